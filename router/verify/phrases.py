"""What an answer opens with when it is none: how models refuse, in twelve languages.

Every pattern is anchored at the beginning and ends in a character that it has read, so that more text never takes a
refusal back: a stream can be judged at any moment. Each names a deed that is declined (help, answer, write, …), because
"I can't believe it", "I'm sorry to hear that" and "Unfortunately, we are closed" are answers.

Patterns stand apart by an empty line; the lines of one are joined. `~` is the end of a word, `<SORRY>`, `<CANNOT>` and
`<DEED>` are the English parts, and an apostrophe is always the straight one.
"""

import re
from collections.abc import Iterator
from functools import cache

__all__ = ["OPENING", "compiled", "refuses"]

OPENING = 240
"""Characters of an answer in which a refusal is looked for."""

_SORRY = r"""
(?:(?:oh|hi|hello|hey|ah|well|thank you(?: for [^.!?,;\n]{1,60})?)[,.!] )?(?:(?:i'm|i am|
we're|we are|my apologies|apologies|sorry|unfortunately|regrettably|i apologi[sz]e|
i regret)(?: (?:so|very|really|truly|deeply))?(?: (?:sorry|afraid))?(?: for (?:any|
the) [a-z ]{3,40})?(?: that| to say(?: that)?)?[,;.:\u2014\u2013-]{0,2} ?(?:but )?)?(?:(?:as|being) an? (?:ai|
artificial|large|language|responsible|helpful)[^,.\n]{0,60}, ?)?
"""
_CANNOT = r"""
(?:i|we) (?:just |really |simply |respectfully )?(?:can'?t|cannot|can not|won'?t|will not|
am not able to|'m not able to|am unable to|must decline to|have to decline to|am not (?:allowed|
permitted|authori[sz]ed|comfortable)(?: to)?|do not feel comfortable|don't feel comfortable|
can(?:not|'t) in good conscience|am prohibited from|are unable to|are not able to)|
i'm (?:not able to|unable to|not (?:allowed|permitted|authori[sz]ed|comfortable)(?: to)?)
"""
_DEED = r"""
(?:(?:directly|actually|currently|really|ethically|legally|help (?:you )?(?:to )?) ?)?
(?:(?:help|assist)(?:ing)?(?: (?:you|with|on|in this|here)|(?=[.,;:!]))|comply(?:ing)?|
(?:fulfil|fulfill|accommodate|process|complete|honou?r|satisfy) (?:that|this|your|such|the) (?:request|demand)|
(?:continue|proceed|engage)(?:ing)? (?:with|in) (?:this|that|such|conversations?|discussions?|content)|
(?:answer|respond to|discuss|address)(?:ing)? (?:this|that|your|these|such|questions|topics)|
(?:do|doing) (?:that|this|so)(?=[.,;!])|
(?:generat|creat|writ|produc|provid|offer|giv|shar|mak|engag|support|promot|facilitat|participat)(?:e|ing)?
(?: you)?(?: with)?(?: in)? (?:any|instructions|(?:information|guidance)(?: or (?:guidance|advice|instructions))?
 (?:on|about|that)|(?:that|this|such|these)(?: (?:kind|type|sort|content|material|request|information|
conversation|discussion|topic)|(?=[.,;!]))|
content|harmful|explicit|sexual|hateful|illegal|malicious|personal(?:ly)? (?:data|information|identif|opinion)|
details (?:on|about)|advice on how|assistance (?:with|in|for)|code (?:that|for) (?:mal|harm|hack|exploit))s?)
"""
_ENGLISH = r"""
<SORRY>(?:<CANNOT>) <DEED>~

<SORRY>(?:i )?(?:must|have to|need to) (?:respectfully |politely )?(?:decline|refuse)~

(?:i'm|i am) (?:very |so |really )?(?:sorry|afraid)[,;]? (?:but )?(?:i (?:can'?t|cannot|
can not|won'?t) do) (?:that|this|it)[.,;!]

(?:(?:i'm|i am) )?(?:sorry|afraid)[,.;]? (?:but )?(?:i|we) (?:can'?t|cannot|can not|
won'?t)[.!]

as an? (?:ai|artificial intelligence|large language model|language model)[^,.\n]{0,60}, i (?:do not|
don't|am not|cannot|can'?t|must not|'m not|will not) (?:have (?:access|the ability|
personal|opinions|feelings)|able to|allowed|permitted|capable|designed|programmed|provide|offer|
give|engage|help|assist|answer|discuss|write|generate|create|access|browse)~

(?:this|that|your) (?:request|question|prompt|topic) (?:goes against|violates|is against) (?:my|our|
the) (?:guidelines|policies|policy|principles|programming|content policy|terms)~
"""
_GERMAN = r"""
(?:(?:es )?tut mir (?:sehr |wirklich )?leid|entschuldigung|leider|ich bedau(?:e)?re|
verzeihung)[,.;:!]? (?:(?:aber|doch|dass) )?(?:(?:als ki[^,.\n]{0,50},? )?(?:da(?:s|bei|mit|zu)|
diese[nrsm]? [a-zäöüß]{3,20}|hier(?:bei)?|darauf) )?(?:kann|darf|werde|könn(?:en|te)|dürfen|
möchte)? ?(?:ich|wir)(?: (?:ihnen|dir|euch))? (?:(?:kann|darf|werde|können|dürfen|
möchte) )?(?:(?:ihnen|dir|euch) )?(?:(?:leider|hier(?:bei)?|da(?:bei|mit|zu)|damit|darauf|
diese[nrsm]? [a-zäöüß]{3,20}|das) ){0,2}(?:leider )?(?:nicht|keine[nr]?)(?: (?:weiter|auskunft|
hilfe|angaben|informationen|dazu|dabei|bei|ihnen|dir|antwort|inhalte|anleitung)){0,3} ?(?:helfen|
weiterhelfen|beantworten|geben|unterstützen|antworten|erfüllen|nachkommen|schreiben|erstellen|tun)~

(?:ich|wir) (?:kann|darf|können|dürfen|werde|werden) (?:(?:ihnen|dir|
euch) )?(?:leider )?(?:(?:dabei|damit|hierbei|dazu|darauf|diese anfrage|diese frage|
das) ){1,2}(?:leider )?nicht (?:weiter)?(?:helfen|unterstützen|beantworten|antworten|erfüllen|tun|
machen)~
"""
_FRENCH = r"""
(?:(?:je suis )?(?:vraiment |sincèrement )?(?:désolée?|navrée?)|malheureusement|je regrette|
pardon)[,.;:!]? (?:mais )?(?:en tant qu'[^,.\n]{0,60}, )?je ne (?:peux|puis|pourrai|
suis) (?:malheureusement )?(?:pas|en mesure)(?: en mesure| autorisée?)? ?(?:de |d'|à )?(?:vous |
t'|te |y |l')?(?:aider|répondre|assister|fournir|traiter|satisfaire|accéder|créer|écrire|
générer|donner|faire (?:cela|ça)|accomplir)~

je ne (?:peux|puis) pas (?:vous |t'|te )?(?:aider (?:avec|à|sur|dans)|répondre à (?:cette|votre|
ta)|satisfaire (?:cette|votre)|accéder à (?:cette|votre))~
"""
_SPANISH = r"""
(?:lo siento|lo lamento|lamentablemente|desafortunadamente|perdona?|
disculpa)(?: mucho)?[,.;:!]? (?:pero )?(?:como (?:ia|modelo|asistente)[^,.\n]{0,60}, )?(?:no (?:te |
le |les )?(?:puedo|podré|es posible que pueda)|no estoy (?:autorizad[oa] (?:para|a)|
en condiciones de)) (?:ayudarl?[oea]?(?:te)?|ayudar|responder|asistir(?:te|le)?|proporcionar(?:te|
le)?|cumplir|generar|crear|escribir|dar(?:te|le)?|hacer eso|hacerlo|continuar)~

no puedo (?:ayudar(?:te|le|los)? (?:con|en)|responder a (?:esa|esta|tu|su)|cumplir (?:con )?(?:esa|
esta|tu|su)|proporcionar (?:esa|ese|información sobre|instrucciones))~
"""
_PORTUGUESE = r"""
(?:desculpe|desculpa|sinto muito|lamento|infelizmente|
lamentavelmente)[,.;:!]? (?:mas )?(?:como [^,.\n]{0,60}, )?(?:eu )?não (?:posso|consigo|poderei|
estou autorizad[oa] a) (?:(?:te|lhe) )?(?:ajudar|ajudá-lo|ajudá-la|responder|auxiliar|atender|
fornecer|cumprir|criar|gerar|escrever|dar|fazer isso|continuar)~

não posso (?:ajudar (?:com|você)|ajudá-l[oa] (?:com|nisso)|responder a (?:essa|esta|sua)|
atender a (?:esse|este))~
"""
_ITALIAN = r"""
(?:mi dispiace|spiacente|purtroppo|mi spiace|
scus[ai])[,.;:!]? (?:ma )?(?:come [^,.\n]{0,60}, )?non (?:posso|potrò|sono in grado di|
sono autorizzat[oa] a|mi è possibile) (?:aiutar(?:ti|la|vi|e|lo)|assister(?:ti|la|e)|risponder(?:e|
ti|le)|fornir(?:e|ti|le)|soddisfare|creare|generare|scrivere|dar(?:e|ti|le)|farlo|fare questo)~

non posso (?:aiutar(?:ti|la|vi|e) (?:con|in|a)|rispondere a (?:questa|quest')|
soddisfare (?:questa|la tua|la sua))~
"""
_DUTCH = r"""
(?:(?:het )?spijt me|sorry|helaas|
excuses)[,.;:!]? (?:maar )?(?:als [^,.\n]{0,60}, )?(?:daar ?(?:bij|mee|op)? )?(?:ik )?(?:kan|mag|ga|
zal) (?:ik )?(?:u |je )?(?:(?:hier|daar) ?(?:bij|mee|op)? )?(?:helaas )?(?:niet|geen)(?: (?:mee|bij|
op|verder|antwoord|informatie)){0,2} (?:helpen|antwoorden|beantwoorden|geven|doen|voldoen|
verstrekken)~
"""
_POLISH = r"""
(?:(?:bardzo )?(?:mi )?przykro(?: mi)?|przepraszam|niestety)[,.;:!]? (?:ale )?nie (?:mogę|
jestem w stanie|mogłbym) (?:(?:ci|panu|pani|państwu|w tym|na to|tego) ){0,2}(?:pomóc|odpowiedzieć|
spełnić|udzielić|udostępnić|stworzyć|napisać|zrobić)~
"""
_RUSSIAN = r"""
(?:извините|простите|к сожалению|мне (?:очень )?жаль|сожалею|
прошу прощения)[,.;:!]? (?:но )?(?:как [^,.\n]{0,60}, )?я не (?:могу|смогу|имею права|
в состоянии) (?:(?:вам|тебе|с этим|в этом|на это|на этот вопрос) ){0,2}(?:помочь|ответить|выполнить|
предоставить|обсуждать|создать|написать|сделать)~

я не (?:могу|смогу) (?:(?:вам|тебе) )?(?:помочь с (?:этим|этой|таким)|(?:с этим|в этом) помочь|
ответить на (?:этот|ваш)|выполнить (?:этот|эту|ваш))~
"""
_CHINESE = r"""
(?:非常|很|十分|真的)?(?:抱歉|对不起|對不起|不好意思|遗憾|
遺憾)[,,。!!、 ]{0,2}(?:但(?:是)?)?[,, ]?(?:作为[^,,。\n]{1,30}[,,])?我?(?:目前|暂时|暫時|
恐怕)?(?:无法|無法|不能|没有办法|沒有辦法|不可以|不会|不會|没法)[^,,。!!\n]{0,20}?(?:帮助|幫助|协助|
協助|回答|提供|满足|滿足|回应|回應|完成|处理|處理|讨论|討論|生成|编写|編寫|帮你|帮您|幫您)

我(?:无法|無法|不能)(?:帮助(?:你|您)|幫助(?:你|您)|协助(?:你|您|这|此)|協助(?:你|您)|回答(?:这|此|
您的|你的|這)|满足(?:这|您|你)|提供(?:这|此|相关|有关|這|相關|有關)|讨论(?:这|此))
"""
_JAPANESE = r"""
(?:(?:大変|誠に|まことに)?(?:申し訳(?:ありません|ございません|ないです|ない)|すみません|すいません|
ごめんなさい|恐れ入ります)|残念ながら)(?:が|けど|けれども|けれど)?[、,。 ]?[^。\n]{0,40}?(?:お答え|
お手伝い|回答|対応|ご対応|お応え|応じること|提供|支援|ご支援|サポート|
作成)(?:を)?(?:する)?(?:こと)?(?:は|が|も)?(?:でき(?:ません|かねます|ない)|いたしかねます|
致しかねます|しかねます|いたしません)
"""
_KOREAN = r"""
(?:(?:정말|대단히|매우) )?(?:죄송(?:합니다|하지만|해요|스럽지만)|미안(?:합니다|하지만|해요)|
유감(?:이지만|스럽게도)|안타깝게도)[,.!]? ?(?:(?:하지만|그러나|저는) )?[^.\n]{0,40}?(?:도와|도움|
답변|대답|제공|응답|지원|처리|작성)[^.\n]{0,12}?(?:수 없|수가 없|어렵습니다|불가능|드릴 수 없)
"""


def _patterns(text: str) -> Iterator[str]:
    """The patterns of one language, ready to be compiled."""
    for block in text.strip().split("\n\n"):
        pattern = block.replace("\n", "")
        for name, part in (("<SORRY>", _SORRY), ("<CANNOT>", _CANNOT), ("<DEED>", _DEED)):
            pattern = pattern.replace(name, part.replace("\n", ""))
        yield f"(?:{pattern.replace('~', _END)})"


_END = r"[\s.,;:!?…\u2013\u2014-]"
_LANGUAGES = (
    *(_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _PORTUGUESE, _ITALIAN, _DUTCH, _POLISH, _RUSSIAN),
    *(_CHINESE, _JAPANESE, _KOREAN),
)
_PLAIN = str.maketrans({"\uff0c": ",", "\uff01": "!", "\u2019": "'", "\xa0": " "})


@cache
def compiled() -> re.Pattern[str]:
    """Every language's patterns as one; making it takes 10 ms, so whoever will ask makes it beforehand."""
    return re.compile("|".join(pattern for text in _LANGUAGES for pattern in _patterns(text)))


def refuses(text: str) -> bool:
    """Whether a text opens with a refusal; one in quotation marks is somebody else's."""
    opening = text.lstrip()[:OPENING].lstrip("*_# ").lower().translate(_PLAIN)
    return compiled().match(opening) is not None
