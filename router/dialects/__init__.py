"""Other ways to ask for a chat completion: each reads its requests as one, and tells the answer in its own words.

::

    dialect        what every one of them can do
    completions    OpenAI's `/v1/completions`: a prompt instead of messages
    responses      OpenAI's `/v1/responses`: items instead of messages, and events with names
      responses_request    its fields as a chat completion's, or refused
      responses_input      its items as messages
      responses_tools      its tools, and which of them are to be called
      responses_fields     what is said of a field that does not fit
      responses_answer     the response object
      responses_output     which item each piece of an answer belongs to
      responses_items      the items, while they grow
      responses_stream     the events
    messages       Anthropic's `/v1/messages`: a conversation of blocks
      messages_request     its fields as a chat completion's, or refused
      messages_content     its conversation as messages
      messages_reading     what a field has to be
      messages_answer      the whole answer
      messages_stream      the streamed one
      messages_errors      its errors

Whatever decides, asks, checks, remembers and counts knows chat completions only. A dialect stands at both ends: what it
cannot say in a chat completion it refuses, with a sentence that tells what to do instead.
"""

from router.dialects.dialect import Dialect, Exchange, Telling

__all__ = ["Dialect", "Exchange", "Telling"]
