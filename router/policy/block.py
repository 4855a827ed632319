"""What every block of a policy has in common: nothing unknown is accepted and nothing changes after loading."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A mapping in the YAML whose attributes carry the YAML's own names."""

    # Each validator is built when it is first needed: this halves what importing the schema takes.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)
