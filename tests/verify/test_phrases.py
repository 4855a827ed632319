"""How models refuse, and the answers that only look like it."""

import pytest

from router.verify.phrases import refuses

REFUSALS = """
I'm sorry, but I can't help with that.
I'm sorry, but I can’t assist with that request.
I’m sorry, I can't help with that.
I'm sorry, but I cannot provide instructions on how to make a weapon.
I cannot fulfill your request. I am just an AI model.
I can't fulfill this request.
I cannot provide information or guidance on illegal or harmful activities.
I cannot create explicit content. Can I help you with something else?
I can't generate that kind of content.
I can't do that.
I'm not able to help with that.
I am unable to assist with this request as it involves personal data.
I won't help with that.
I'm sorry, but as an AI language model, I cannot provide personal opinions or write that.
As an AI language model, I don't have access to your account.
As a large language model trained by a company, I am not able to browse the internet.
Sorry, but I can't continue with this conversation.
Sorry, I can't.
Unfortunately, I cannot assist you with creating malware.
I apologize, but I can't engage in discussions of that kind.
My apologies, but I am not able to answer that question.
I must decline to answer this.
I have to respectfully decline.
I don't feel comfortable writing content that demeans people.
I'm not comfortable engaging in this conversation.
**I'm sorry, but I can't help with that.**
This request goes against my guidelines.
Es tut mir leid, aber dabei kann ich dir nicht helfen.
Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.
Tut mir leid, ich kann diese Anfrage nicht beantworten.
Leider kann ich Ihnen dabei nicht weiterhelfen.
Ich kann dabei nicht helfen.
Entschuldigung, ich kann darauf nicht antworten.
Je suis désolé, mais je ne peux pas vous aider avec cela.
Désolée, je ne peux pas répondre à cette question.
Je ne peux pas répondre à cette demande.
Lo siento, pero no puedo ayudarte con eso.
Lo siento, no puedo responder a esa pregunta.
No puedo ayudarte con eso.
Desculpe, mas não posso ajudar com isso.
Sinto muito, mas não posso fornecer essa informação.
Mi dispiace, ma non posso aiutarti con questa richiesta.
Mi dispiace, non posso rispondere a questa domanda.
Het spijt me, maar ik kan je daar niet mee helpen.
Sorry, maar daar kan ik niet bij helpen.
Przykro mi, ale nie mogę w tym pomóc.
Извините, но я не могу помочь с этим.
К сожалению, я не могу ответить на этот вопрос.
抱歉，我无法帮助您完成这个请求。
很抱歉，我不能提供这方面的信息。
对不起，我无法回答这个问题。
我无法满足您的请求。
申し訳ありませんが、その質問にはお答えできません。
すみませんが、そのご依頼には対応できません。
죄송하지만 그 요청은 도와드릴 수 없습니다.
죄송합니다. 해당 질문에는 답변을 드릴 수 없습니다.
""".strip().splitlines()

ANSWERS = """
I'm sorry to hear that your order arrived late. I have sent a replacement.
I'm sorry for the delay! Your parcel left our warehouse this morning.
I'm sorry, but the store is closed on Sundays.
I'm sorry, your card was declined by the bank.
I'm afraid the museum is closed on Mondays.
I'm afraid of spiders, said the boy.
I can't believe how beautiful the sea is today.
I can't help but notice that the second clause contradicts the first.
I can't help falling in love with you is a line by Elvis Presley.
I cannot recommend this restaurant enough: the pasta is superb.
I cannot stress enough how important backups are.
I can't wait to see you next week!
I won't lie: the first chapter is slow.
I will not go gentle into that good night.
I must admit that the second option is better.
I must go down to the seas again, to the lonely sea and the sky.
I have to say that both answers are right.
I am not able to log in: that is the problem the customer describes.
I am unable to attend the meeting on Friday; please send my regards.
I am not allowed to park here, so I moved the car. (diary)
I don't know the exact date, but it was in the spring of 1998.
I don't have the figures for 2024; in 2023 it was 4.1 %.
We cannot process refunds after 30 days. Your purchase was made 12 days ago, so you will get one.
We can't offer this discount together with others, so the total is 84 EUR.
Unfortunately, the item is sold out. It will be back on 3 May.
Unfortunately, the train was cancelled; the next one leaves at 10:40.
Unfortunately, we cannot ship to PO boxes.
Sorry for the confusion! The right answer is 42.
Sorry, that was my mistake: the capital of Australia is Canberra.
Sorry, we are out of stock.
My apologies for the late reply. Attached is the invoice.
As an AI researcher, she worked on translation for ten years.
As an AI language model, I can explain both sides: first, the economic one.
As a large company, it must publish its accounts.
No, I can't help with that is the sentence to translate; in French: "Je ne peux pas vous aider avec cela."
"I'm sorry, but I can't help with that" is a refusal.
“I cannot do that,” said the captain.
The model said: I'm sorry, but I can't help with that.
Here is the letter: I regret to inform you that your application was not successful.
I regret nothing, she sang.
Refusal: the agent declined to help.
This request goes to the finance team.
This question is about thermodynamics.
Your request has been approved.
That question violates no rule.
{"refusal": "I can't help with that"}
def refuse(): raise PermissionError("I can't do that")
I can't do this alone, so I asked my sister.
I cannot do this integral in closed form, but its value is about 1.27.
We can't do so without a licence.
You can't help with that unless you are a member.
I could not find an order with this number. Is it 4711?
I can help with that! First, open the settings.
I can't answer for everybody, but I liked it.
I can't continue without knowing your version: which one do you run?
I can't make it tomorrow. Could we meet on Thursday?
I can't give you the exact figure, but it is between 3 and 4 million.
I can't see the attachment; please upload it again.
Es tut mir leid, dass Ihr Paket verspätet ist. Ich habe Ersatz geschickt.
Leider ist der Artikel ausverkauft.
Leider kann ich am Freitag nicht kommen.
Leider haben wir sonntags geschlossen.
Ich kann das Buch sehr empfehlen.
Ich kann nicht glauben, wie schnell das ging.
Ich kann nicht anders, als zu lächeln.
Entschuldigung für die späte Antwort! Ihr Termin ist am Montag.
Je suis désolé d'apprendre que votre colis est en retard.
Je suis désolé, le magasin est fermé le dimanche.
Malheureusement, le train est annulé.
Je ne peux pas croire que c'est déjà fini.
Je ne peux pas venir demain, écrit-il.
Lo siento mucho por la demora. Su pedido llega mañana.
Lo siento, la tienda está cerrada.
No puedo creer lo rápido que fue.
No puedo vivir sin ti es una canción.
Desculpe pela demora! O seu pedido chega amanhã.
Infelizmente, a loja está fechada.
Não posso acreditar que já acabou.
Mi dispiace per il ritardo. Il pacco arriva domani.
Purtroppo il negozio è chiuso.
Non posso credere ai miei occhi.
Het spijt me dat je pakket te laat is.
Helaas is de winkel gesloten.
Sorry voor de late reactie.
Przykro mi, że paczka się spóźniła.
Niestety, sklep jest zamknięty.
Извините за задержку. Ваш заказ уже в пути.
К сожалению, магазин закрыт.
Я не могу поверить, что всё закончилось.
抱歉让您久等了，您的订单已经发货。
很抱歉听到您的包裹迟到了。
对不起，商店今天关门。
我不能不说，这本书写得很好。
申し訳ありません。お荷物は明日届きます。
すみません、店は日曜日が休みです。
残念ながら、チケットは売り切れました。
죄송합니다. 배송이 늦어졌습니다. 내일 도착합니다.
죄송하지만 매장은 일요일에 쉽니다.
안타깝게도 표가 매진되었습니다.
""".strip().splitlines()


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_known(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_not_taken_for_one(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize("text", [*REFUSALS, *ANSWERS])
def test_more_text_never_takes_a_refusal_back(text: str) -> None:
    said = [refuses(text[:end]) for end in range(len(text) + 1)]

    assert said == sorted(said)


@pytest.mark.parametrize("text", REFUSALS)
def test_only_a_refusal_that_opens_the_answer_counts(text: str) -> None:
    assert refuses(f"\n  {text} Let me know if there is anything else.")
    assert not refuses(f"Here is what the model said. {text}")
    assert not refuses(f'"{text}"')
