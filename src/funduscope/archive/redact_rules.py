"""What identifies whoever it is: numbers, addresses, institutions, people named by their part.

A rule is a pattern and a judgement of its find. Rules may look at the marks that earlier rounds
left: what stands beside `[institution]` at a report's end is a doctor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from funduscope.archive import redact_words as lists
from funduscope.archive.redact_words import CJK, NAME, either, given, surname

Judge = Callable[[str, int, int], int]
"""Text, start and end of a find -> where it really ends; 0: it is none."""


def resident_id_valid(text: str) -> bool:
    """Whether 18 characters are a resident identity number: its last one is a checksum.

    Source: GB 11643-1999 (ISO 7064 MOD 11-2).
    """
    body, last = text[:17], text[17:].upper()
    if not body.isdigit() or len(text) != 18:
        return False
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    return last == "10X98765432"[total % 11]


@dataclass(frozen=True)
class Rule:
    """A pattern that identifies; only the group `it` is replaced where the pattern has one."""

    mark: str
    pattern: re.Pattern[str]
    judge: Judge


def _any(_text: str, _start: int, end: int) -> int:
    return end


def _resident(text: str, start: int, end: int) -> int:
    """18 digits with the right checksum or with a day of birth in them, however spaced."""
    plain = re.sub(r"\W", "", text[start:end])
    born = re.fullmatch(r"\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]).*", plain)
    return end if resident_id_valid(plain) or born else 0


def _not_decimal(text: str, start: int, end: int) -> int:
    """A long figure that is no measurement ("1234567 um")."""
    return 0 if re.match(r"\s?(?:um|µm|mm|cells|px|%)", text[end : end + 6]) else end


def _person(text: str, start: int, end: int) -> int:
    size = lists.person(text[start:end])
    return start + size if size else 0


def _titled(text: str, start: int, end: int) -> int:
    """Behind Mr or Ms any word is a name; what follows it is judged."""
    first = re.match(r"[^\s,]+", text[start:end])
    size = lists.person(text[start:end])
    return start + max(size, first.end() if first else 0)


def _two_words(text: str, start: int, end: int) -> int:
    """A name without a word before it must be all of the find and have two words or more."""
    size = lists.person(text[start:end])
    full = size == end - start and re.search(r"[\w.][ ,]+\w", text[start:end])
    return end if full else 0


def _han(text: str, start: int, end: int) -> int:
    """A Chinese name in a strong place: not a part of an everyday word."""
    return 0 if lists.in_words(text, start, end) else end


def _han_weak(text: str, start: int, end: int) -> int:
    """A Chinese name in a weak place: neither part nor beginning of an everyday word."""
    if lists.starts_in_word(text, start, end) or lists.in_words(text, start, end):
        return 0
    return end


def _hospital_en(text: str, start: int, end: int) -> int:
    """A hospital with a name of its own ("Retina Clinic" has none)."""
    generic, said = set(lists.words("en", "generic_hospitals")), text[start:end].lower()
    own = [word for word in re.findall(r"[a-zß-öø-ÿ'’.&-]+", said) if word not in generic]
    ends = {word.lower() for some in lists.words("en", "hospital_ends") for word in some.split()}
    own = [word for word in own if word not in ends and word not in lists.everyday_en()]
    return end if own else 0


def _hospital_zh(text: str, start: int, end: int) -> int:
    """A hospital with a name of its own (上级医院 and 我院 have none)."""
    said = re.sub(rf"(?:{either('zh', 'hospital_ends')})$", "", text[start:end])
    generic = rf"(?:{either('zh', 'generic_hospitals')}|的|省|市|县|区|级|眼科|专科|医院)*"
    return 0 if re.fullmatch(generic, said) else end


def rules() -> Iterator[Rule]:
    """All rules; where two find at one place, the longer find counts, then the earlier rule."""
    yield from _compiled()


@cache
def _compiled() -> tuple[Rule, ...]:
    parts = (_numbers, _labelled, _places, _people_zh, _people_en)
    return tuple(rule for part in parts for rule in part())


def _rule(mark: str, pattern: str, judge: Judge = _any, flags: int = 0) -> Rule:
    # ASCII: \w, \d and \b must not take ideographs for letters (请发zhang@example.org).
    return Rule(mark, re.compile(pattern, flags | re.A), judge)


def _numbers() -> Iterator[Rule]:
    """Numbers and addresses of the net that are known by their form alone."""
    yield _rule(
        "email", r"[A-Za-z0-9_.+%-]+ ?@ ?[A-Za-z0-9-]+(?: ?\. ?[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
    )
    yield _rule("email", r"[A-Za-z0-9_.+%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
    yield _rule(
        "email", r"[\w.+-]+ ?[\[(]at[\])] ?[\w-]+(?: ?(?:\.|[\[(]dot[\])]) ?[\w-]+)+", flags=re.I
    )
    yield _rule("link", r"(?:https?://|ftp://|www\.)[^\s，。；、）)\"'<>]+", flags=re.I)
    yield _rule("id", r"(?<![\dA-Za-z])\d(?:[ .-]?\d){16}[ .-]?[\dXx](?![\dA-Za-z])", _resident)
    yield _rule("id", r"(?<!\d)\d{8}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)")
    yield _rule("id", r"(?<!\d)\d{6} \d{6} \d{3}(?!\d)")
    yield _rule("id", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
    yield _rule("phone", r"(?<![\d.])(?:(?:\+|00)?86[- ]?)?1[3-9]\d(?:[-. ]?\d{4}){2}(?!\d)")
    yield _rule(
        "phone", r"(?<![\d.])1[3-9]\d[- ]\d{3}[- ]\d{5}(?!\d)|(?<!\d)1[3-9](?: \d){9}(?!\d)"
    )
    yield _rule(
        "phone",
        r"(?<!\d)[(]?0\d{2,3}[)]?[- ]?[2-9]\d{2,3}[- ]?\d{4}(?:(?:转|[-#x]|ext\.? ?)\d{1,5})?(?!\d)",
    )
    yield _rule("phone", r"(?<!\d)[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)")
    yield _rule(
        "phone",
        r"(?<!\d)(?:\+?1[-. ]?)?\(?\d{3}\)?[-. ] ?\d{3}[-. ]\d{4}(?!\d)(?: ?(?:x|ext\.?) ?\d+)?",
    )
    yield _rule("phone", r"(?<!\d)(?:\+|00)\d{1,3}(?:[-. ]?\(?\d\)?){7,12}(?!\d)")
    yield _rule("phone", r"(?<!\d)0(?:\d{2} \d{4} \d{4}|\d{3} \d{3} \d{4}|\d{4} \d{6})(?!\d)")
    yield _rule("number", r"(?<![\d.])\d+(?:\.\d+){4,}(?![\d])")
    yield _rule("number", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
    yield _rule(
        "number",
        r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])",
        flags=re.I,
    )
    yield _rule(
        "number", r"(?<![A-Za-z0-9])[A-Za-z]{1,5}[-_]?\d{5,}(?:[-_][A-Za-z0-9]+)*(?![A-Za-z0-9])"
    )
    yield _rule(
        "number", r"(?<![A-Za-z0-9-])[A-Za-z]{1,5}[-_]\d{2,}[-_]\d{3,}(?:[-_]\d+)*(?![A-Za-z0-9])"
    )
    yield _rule("number", r"(?<![A-Za-z0-9./-])\d{2,8}-\d{4,}(?:-\d+)*(?![A-Za-z0-9])")
    yield _rule("number", r"(?<![\d.])\d{7,}(?!\d|\.\d)", _not_decimal)
    yield _rule("account", r"(?<![A-Za-z])(?:wx|wxid|vx|qq)[_-][A-Za-z0-9_-]{3,}", flags=re.I)


_KINDS = (
    "住院 门诊 病案 病历 病例 检查 登记 就诊 影像 患者 病人 档案 健康档案 卡 医保 医保卡 社保 社保卡 就诊卡 诊疗卡 一卡通 条码 条形码 样本 标本 报告 "
    "报告单 申请 申请单 流水 序列 订单 入院 出院 急诊 体检 筛查 放射 超声 超声检查 身份证 证件 护照 军官证 驾驶证 港澳通行证 保险 发票 收费 图像 照片 "
    "系统 设备 机器 出厂 执业证 医师资格证 工 胸牌 参保 农合 合作医疗 床 房 病房 排队 预约 挂号 原 旧 新 内部 编"
)
_LABELS_EN = (
    r"MRN|MRNO|UHID|URN|URNO|HN|PID|SSN|NHS|NPI|DEA|CHI|UR|ID|IDN|DL|FIN|CSN|EMPI|ACC|ACCN|"
    r"(?:medical ?record|patient|pt|record|exam(?:ination)?|accession|case|chart|hospital|study|visit|encounter|order|"
    r"account|acct|file|folder|policy|member(?:ship)?|insurance|medicare|medicaid|passport|licen[cs]e|serial|"
    r"reference|ref|report|request|requisition|specimen|claim|national|social security|NHS|health ?card|health|unit|"
    r"registration|reg|film|image|index|identity|bed|room|ward|invoice|camera|device)"
    r"[ \t]*(?:number|no\b\.?|nr\b\.?|num\b\.?|id\b|#)|accession|acct\.?|chart #|SSN"
)


def _labelled() -> Iterator[Rule]:
    """Numbers known by the word before them."""
    kinds = "|".join(sorted(_KINDS.split(), key=len, reverse=True))
    value = r"(?P<it>[A-Za-z]{0,6}[-_]?\d[A-Za-z0-9_-]*(?:[/.][A-Za-z0-9]+)*)"
    yield _rule(
        "number",
        rf"(?:{kinds})(?:证)?(?:号码|号|编号|编码|ID|No\.?|流水号) ?(?:为|是)?[ :#.=]{{0,4}}{value}",
        flags=re.I,
    )
    yield _rule("number", rf"(?:编号|编码|号码|工号|床位)[ :#.=]{{1,4}}{value}")
    yield _rule("number", r"(?<!\d)(?P<it>\d{1,3}) ?床(?!旁)")
    yield _rule(
        "id",
        r"(?:护照|通行证|军官证|证件|身份证|社保卡|医保卡)(?:号码|号|编号)?[ :为是]{0,3}(?P<it>[A-Za-z]{0,3}\d[\dA-Za-z]{4,})",
    )
    yield _rule(
        "number",
        rf"(?<![A-Za-z])(?:{_LABELS_EN})[ \t]*(?:is\b|was\b)?[ \t]*[:#.=]*[ \t]*"
        r"(?P<it>(?=[A-Za-z/_-]*\d)[A-Za-z0-9][A-Za-z0-9_-]{1,}(?:[/.][A-Za-z0-9]+)*(?:[ -]\d{2,})*)",
        flags=re.I,
    )
    yield _rule(
        "number",
        r"(?<![A-Za-z])(?:No|Nr|#)[.:#]{0,2} ?(?P<it>(?:[A-Za-z]{1,4}-?)?\d[\d-]{3,})(?![\d.])",
        flags=re.I,
    )
    tel = r"电话|手机|手机号|座机|固话|联系方式|联系|传真|热线|Tel|Telephone|Phone|Mobile|Cell|Fax|Pager|call|contact|Ph"
    yield _rule(
        "phone",
        rf"(?:{tel})(?:号码?|number|no\.?)? ?[:.=是为]{{0,2}} ?(?P<it>\+?[(]?\d[\d() .-]{{4,}}\d)",
        flags=re.I,
    )
    yield _rule(
        "account",
        r"(?:微信|Wechat|We chat|VX|V信|WX|QQ|支付宝|抖音|钉钉|飞书|Whats ?App|Skype|Telegram|Line ID|Twitter|Facebook|Instagram)"
        r"(?:账号|帐号|号码|号|群|ID|account)? ?(?:为|是|is)?[ :=@]{0,3}"
        r"(?P<it>(?=[A-Za-z0-9_+.-]*[\d_@.-])[A-Za-z0-9_+.-]{4,}[A-Za-z0-9])",
        flags=re.I,
    )
    yield _rule(
        "account",
        r"(?:微信|V信|支付宝)(?:账号|帐号|号)? ?(?:为|是)?[ :=@]{0,3}(?P<it>[A-Za-z][A-Za-z0-9_-]{4,})",
    )
    yield _rule(
        "account", r"(?:QQ|扣扣)(?:号码|号|群)? ?(?:为|是)?[ :]{0,3}(?P<it>\d{5,})", flags=re.I
    )
    yield _rule("account", r"(?<![\w.])@[A-Za-z]\w{3,}")


def _places() -> Iterator[Rule]:
    """Institutions and addresses."""
    ends = either("zh", "hospital_ends")
    stop = rf"(?:{either('zh', 'hospital_leads')})"
    lead = rf"(?:(?<![{CJK}])|(?<={'）'})|{stop})"
    body = rf"(?:(?!{stop}(?:[{CJK}]{{2,}}(?:{ends})))[{CJK}0-9A-Za-z（()）·]){{1,24}}?"
    tail = rf"(?:[{CJK}]{{0,6}}(?:分院|院区|分部))?"
    yield _rule(
        "institution",
        rf"{lead}(?P<it>{body}(?:{ends})(?:附属[{CJK}]{{0,8}}医院)?{tail})(?![感获])",
        _hospital_zh,
    )
    word = r"(?:St\.|[A-ZÀ-Þ][\w&'’-]*|of|the|for|and|de|la|&|del|at)"
    en = "|".join(some.replace(" ", r"[ \t]+") for some in lists.words("en", "hospital_ends"))
    yield _rule(
        "institution",
        rf"(?<![A-Za-z])[A-ZÀ-Þ](?:t\.|[\w&'’-]*)(?:[ \t]+{word}){{0,6}}?[ \t]+(?:{en})(?![a-z])"
        rf"(?:[ \t]+(?:{en})(?![a-z]))*(?:,? of(?: [A-Z][a-z]+)+)?",
        _hospital_en,
    )
    yield _rule(
        "institution",
        r"(?<![A-Za-z])(?:University|Hospital|Institute|College) of (?:the )?[A-Z][a-z]+(?: [A-Z][a-z]+){0,3}",
        _hospital_en,
    )
    yield from _addresses()


def _addresses() -> Iterator[Rule]:
    leads = either("zh", "address_leads")
    area = rf"[{CJK}]{{1,8}}?(?:省|自治区|自治州|特别行政区|市|地区|盟|区|县|旗|镇|乡|街道|开发区|新区|社区|村委会|行政村|自然村|村|屯|庄|寨|组)"
    road = rf"[{CJK}A-Z0-9]{{1,10}}?(?:路|街|巷|大道|道|弄|胡同|里弄|里|小区|花园|新村|苑|公寓|大厦|广场|家园|山庄|花苑|嘉园|名邸|城|府|湾|园|庭|坊|桥|公司宿舍|宿舍|家属院|家属楼|职工楼)"
    figure = r"[0-9一二三四五六七八九十百]{1,5}"
    number = rf"(?:第?{figure}(?:-{figure})*[A-Za-z]?(?:号院|号楼|号|弄|幢|栋|座|楼|单元|层|室|户|组|队|社|门|期|排))"
    lead = rf"(?:(?<![{CJK}])|(?:{leads}))"
    yield _rule(
        "address",
        rf"{lead}(?P<it>(?:{area} ?){{0,5}}(?:{road} ?){{1,3}}[,， ]?(?:{number} ?-?){{1,6}}(?:{figure})?(?![0-9]))",
    )
    yield _rule(
        "address",
        rf"(?:{leads})(?P<it>(?:{area} ?){{1,5}}(?:{road} ?){{0,3}}(?:{number} ?-?){{0,6}})",
    )
    yield _rule(
        "address",
        r"(?:现住址|住址|地址|户籍所在地|家庭地址|通讯地址|通信地址|联系地址|籍贯|家住) ?[: ]{0,2}(?P<it>[^，。；;\n\[\]]{3,60})",
    )
    yield _rule(
        "address",
        rf"(?P<it>[{CJK}]{{2,4}}(?:省|自治区)[{CJK}]{{1,8}}?(?:市|州|盟|地区)(?:{area}){{0,3}}(?:{road}){{0,2}}(?:{number}){{0,6}})",
    )
    yield _rule(
        "address",
        rf"(?<![{CJK}])(?P<it>[{CJK}]{{2,5}}市(?:[{CJK}]{{1,6}}?(?:区|县|镇|乡|街道|村|旗)){{1,4}}(?:{road}){{0,2}}(?:{number}){{0,6}})",
    )
    yield _rule(
        "address",
        rf"(?P<it>(?:[{CJK}0-9]{{2,8}}?(?:小区|花园|新村|苑|公寓|家园|村|屯|大厦|家属院))?{number}{{1,3}}(?:单元|栋|幢|室|号楼|组)(?:{number})*)(?![0-9])",
    )
    yield _rule(
        "address",
        r"(?:邮编|邮政编码|zip(?: ?code)?|postcode|postal code)[ :]{0,3}(?P<it>[A-Z0-9][A-Z0-9 -]{3,9}[A-Z0-9])(?![A-Za-z])",
        flags=re.I,
    )
    town = r"[A-Z][a-z]+(?:['’-][A-Z]?[a-z]+)?(?: [A-Z][a-z]+){0,2}"
    state, code = (
        r"(?:[A-Z]{2}|[A-Z][a-z]+)",
        r"(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)",
    )
    streets = either("en", "streets")
    flat = r"(?:,? ?(?:Apt|Apartment|Suite|Ste|Unit|Flat|Room|Rm|#)\.? ?#?[A-Za-z0-9-]+)"
    yield _rule(
        "address",
        rf"(?:(?:Flat|Unit|Apt|Suite) \w+,? )?(?<![\d./])\d{{1,6}}[A-Za-z]?,? (?:[NSEW]{{1,2}}\.? |North |South |East |West )?"
        rf"(?:[A-Z][\w'’.-]+ |\d+(?:st|nd|rd|th) ){{1,4}}(?:{streets})\.?(?![A-Za-z]){flat}?"
        rf"(?:,? (?!(?:Right|Left|Both|Disc|Macula|Optic|Retina|Eye|The|No|Mild|Normal|History)\b){town}(?=[,.;\s]|$))?(?:,? {state}(?=,? \d{{5}}))?(?:,? {code})?",
    )
    yield _rule(
        "address",
        rf"(?:P\.? ?O\.? Box|PO Box|GPO Box) ?\d+(?:,? {town})?(?:,? [A-Z]{{2}})?(?: {code})?",
    )
    yield _rule("address", rf"(?<![A-Za-z]){town}, [A-Z]{{2}},? \d{{5}}(?:-\d{{4}})?(?!\d)")
    yield _rule("address", r"(?<![A-Za-z0-9])[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?![A-Za-z0-9])")
    yield _rule(
        "address",
        r"(?<![A-Za-z])(?:Home |Mailing |Postal )?Address[ ]*:[ ]*(?P<it>[^;\n\[\]。]*?[A-Za-z0-9])(?=\.\s|\.?$|[;\n\[。])",
        flags=re.I,
    )
    yield _rule(
        "address",
        r"(?<![A-Za-z])(?i:lives|living|resides|residing|resident|address is|home is)(?: (?:at|in))? (?P<it>\d+[A-Za-z]? [^;\n\[\]。]*?[A-Za-z0-9])(?=\.\s|\.?$|[;\n\[。])",
    )
    yield _rule(
        "address",
        rf"(?<![A-Za-z])(?:lives|living|resides|residing|resident|address is) (?:in|at|of) (?P<it>{town}(?:, [A-Z]{{2}}\b|, {town})?)",
    )


def _people_zh() -> Iterator[Rule]:
    one = rf"{surname()}{given()}"
    plain, dotted = (
        rf"{one}{given()}{{0,2}}?",
        rf"[{CJK}]{{1,8}}[·•・‧][{CJK}]{{1,8}}(?:[·•・‧][{CJK}]{{1,8}})?",
    )
    roles = either("zh", "roles")
    latin = r"[A-Z][A-Za-z]+(?:[ ,]+[A-Z][A-Za-z]*\.?){0,2}|[A-Z]{2,4}(?![A-Za-z0-9])"
    any_name = rf"(?:{dotted}|[{CJK}](?: ?[{CJK}]){{1,3}}?|{latin})"
    stop = rf"(?=[^{CJK}A-Za-z·]|{roles}|日期|时间|电话|报告|打印|记录|$)"
    yield _rule(
        "name",
        rf"(?:{roles})(?:[(（][^()（）]{{0,8}}[)）])?\s*[:=]\s*(?P<it>{any_name}){stop}",
        _han,
    )
    yield _rule(
        "name",
        rf"(?:{roles})[ \t/]*(?P<it>{dotted}|{plain}|{surname()} {given()}{{1,2}}){stop}",
        _han_weak,
    )
    labels = either("zh", "name_labels")
    yield _rule("name", rf"(?:{labels}) ?(?:[:=] ?|(?<=姓名) ?)(?P<it>{any_name}){stop}", _han)
    person = r"(?=[,，、(（]? ?(?:男|女|性别|年龄|年|\d{1,3} ?岁|因|以|自述|主诉|诉|于|来|系))"
    yield _rule(
        "name",
        rf"(?:患者|病人|患儿|受检者|就诊者)[,， :]?(?P<it>{dotted}|{plain}){person}",
        _han_weak,
    )
    yield _rule(
        "name",
        rf"(?:患者|病人|患儿|受检者|就诊者)[: ]?(?P<it>{plain})(?=[,，。；;、(（\s]|$)",
        _han_weak,
    )
    yield _rule(
        "name",
        rf"(?<![{CJK}])(?P<it>{dotted}|{plain})(?=[,，] ?(?:男|女)(?:性|[,，。\s]|$))",
        _han_weak,
    )
    relative, comes = either("zh", "relatives"), either("zh", "companions")
    yield _rule(
        "name",
        rf"(?:{relative})(?:[:(（] ?|为|叫|名叫| )?(?P<it>{dotted}|{plain})(?=[)）]?[,，]? ?(?:{comes})|[,，。；;、)）(（\s\d]|$)",
        _han_weak,
    )
    yield _rule(
        "name",
        rf"(?:由|和|与|跟|及|在|经|请|联系|告知|通知)(?P<it>{plain})(?={comes}|会诊|阅片|审核|签)",
        _han_weak,
    )
    titles = either("zh", "titles")
    yield _rule("name", rf"(?P<it>{surname()}{given()}{{0,2}}?)(?:{titles})(?!:)", _han_weak)
    # Each of several people behind one word: 审核：[name]、李娜
    yield _rule("name", rf"\[name\]\s*[、/,，&+]?\s*(?P<it>{plain}){stop}", _han_weak)
    who = either("zh", "verbs")
    begins = rf"(?:(?<![{CJK}])|(?<=患者)|(?<=病人)|(?<=联系)|(?<=邻居)|(?<=家属))"
    known = "".join(
        set("".join(lists.words("zh", "surnames")))
        - set("白黄孔石管叶方高段毛范梁米水年路花视左房包万")
    )
    yield _rule(
        "name", rf"{begins}(?P<it>[老小大阿][{known}])(?=(?:{who})|[,，。；;\s)）]|$)", _han_weak
    )
    yield _rule(
        "name",
        rf"{begins}(?P<it>(?:老|小)[{''.join(lists.words('zh', 'surnames'))}])(?=自述|自诉|主诉|诉|述|来诊|来院|反映|说|称|自觉|[,，](?:男|女))",
    )
    yield _rule("name", rf"(?P<it>{surname()}(?:某{{1,2}}|[Xx×*＊○●]{{1,2}}))(?![a-z])", _han_weak)
    yield from _ends_zh(plain, dotted)


def _ends_zh(plain: str, dotted: str) -> Iterator[Rule]:
    """A doctor without any word before: beside the institution or the date, or at the very end."""
    name = rf"(?:{dotted}|{plain}|{surname()} {given()}{{1,2}})"
    unit = r"(?:(?:眼科|影像科|放射科|超声科|内分泌科|体检科|眼底病科|门诊|阅片中心)[ \t]*)?"
    end = rf"(?=[^{CJK}·]|$)"
    yield _rule(
        "name", rf"\[institution\][ \t\n]*[-—–/,，:|]*[ \t\n]*{unit}(?P<it>{name}){end}", _han_weak
    )
    yield _rule(
        "name",
        rf"(?<![{CJK}])(?P<it>{name})[ \t\n]*[-—–/,，|]*[ \t\n]*(?=\[institution\])",
        _han_weak,
    )
    dated = r"(?=[ \t\n]*[,，/]?[ \t\n]*\[(?:date|day -?\d+)\])"
    yield _rule("name", rf"(?<![{CJK}])(?P<it>{name}){dated}", _han_weak)
    yield _rule(
        "name", rf"\[(?:date|day -?\d+)\][ \t\n/]*(?P<it>{name})[ \t\n]*(?=$|\[)", _han_weak
    )
    yield _rule(
        "name", rf"(?:[\s。；;.）)—]|--)(?P<it>{name})\s*(?=$|\[phone\]|\[number\])", _han_weak
    )


_SIGNED = (
    r"reported|dictated|transcribed|interpreted|read|reviewed|verified|signed|electronically signed|e-?signed|digitally signed|"
    r"authenticated|approved|finali[sz]ed|examined|performed|graded|screened|prepared|entered|checked|seen|referred|ordered|"
    r"requested|validated|authori[sz]ed|confirmed|attested|cosigned|co-signed|second read|over-?read|over read|captured|photographed|imaged|"
    r"acquired|taken|created|edited|completed|released|adjudicated|evaluated|consulted|accompanied|brought|attended|written|typed|recorded"
)
_PARTS = (
    r"attending|ordering physician|referring physician|referring|referrer|consultant|physician|provider|reader|technician|tech|"
    r"photographer|grader|radiologist|ophthalmologist|optometrist|signature|cc|ophthalmic photographer|resident|fellow|surgeon|"
    r"referring provider|primary care physician|PCP|GP|author|dictator|transcriptionist|scribe|screener|nurse|doctor|dr|operator|"
    r"patient name|patient|pt|name|full name|surname|last name|first name|given name|family name|subject|re|regarding|"
    r"next of kin|emergency contact|contact person|contact|guardian|caregiver|parent|e-signature|electronic signature|imager|reporting doctor"
)
_CREDENTIALS = (
    r"M\.?D|D\.?O|MBBS|MBChB|FRCS(?:Ed)?|FRCOphth|MRCOphth|MRCP|FRCP|FACS|FRANZCO|FRCSC|Ph\.?D|RN|LPN|COA|COT|COMT|CRA|NP|PA-?C|DNB|MS|"
    r"FICO|DO|O\.D|MCOptom|BOptom|MPH|MSc|BSc|Jr|Sr|[Oo]ptometrist|[Oo]phthalmologist|[Cc]onsultant|[Rr]etina [Ss]pecialist|"
    r"[Rr]esident|[Ff]ellow|[Tt]echnician|[Gg]rader|[Rr]eader|[Pp]hotographer"
)


def _people_en() -> Iterator[Rule]:
    title = r"(?:Dr|Mr|Mrs|Ms|Mx|Miss|Master|Prof|Professor|Doctor|Sir|Madam|Sister|Nurse|Fr|Rev|Hon|DR|MR|MRS|MS)"
    yield _rule(
        "name",
        rf"(?<![A-Za-z])(?:Mr|Mrs|Ms|Mx|Miss)(?:/(?:Mr|Mrs|Ms|Miss))*\.?[ \t]+(?P<it>{NAME})",
        _titled,
    )
    yield _rule(
        "name",
        rf"(?<![A-Za-z]){title}(?:/(?:Mr|Mrs|Ms|Miss))*(?:\.[ \t]*|[ \t]+)(?:(?:Dr|Prof)\.?[ \t]+)?(?P<it>{NAME})",
        _person,
    )
    by = r"[ \t]*(?:by|with|/)?[ \t]*[:=–-]{0,2}[ \t]*(?:(?:Dr|Mr|Mrs|Ms|Miss|Prof)\.?[ \t]+)*"
    yield _rule(
        "name",
        rf"(?<![A-Za-z])(?i:{_SIGNED})[ \t]+(?:(?i:electronically|digitally|and signed|on|remotely)[ \t]+)?(?i:by)[ \t]*:?[ \t]*(?:(?:his|her|their|the)[ \t]+\w+[ \t]+)?(?P<it>{NAME})",
        _person,
    )
    yield _rule(
        "name",
        rf"(?<![A-Za-z])(?i:{_SIGNED}){by}(?<=[:=–/ -])(?P<it>{NAME})(?=\s*(?:[,;]|\[|$|\n|\.\s*$|MD))",
        _person,
    )
    yield _rule("name", rf"(?<![A-Za-z])(?i:{_PARTS})[ \t]*[:=][ \t]*(?P<it>{NAME})", _person)
    yield _rule("name", rf"(?<![A-Za-z])(?:/s/|s/|//)[ \t]*(?P<it>{NAME})", _person)
    relative = either("en", "relatives")
    yield _rule(
        "name",
        rf"(?<![A-Za-z])(?i:{relative})(?:'s name is|,? named|,? called| is|[,:(]| -)?[ \t]*\(?(?P<it>{NAME})",
        _person,
    )
    yield _rule(
        "name",
        rf"(?<![A-Za-z])(?P<it>{NAME})[ \t]*[,(][ \t]*(?:(?:his|her|the|their|patient's) )?(?:{relative})(?![a-z])",
        _person,
    )
    yield _rule(
        "name",
        rf"(?<![A-Za-z])(?:Pt|PT|Patient|patient|pt|Subject|Dear|Re|Client|Child|Baby)[.:,]?[ \t]+(?P<it>{NAME})",
        _person,
    )
    age = r"(?=,? (?:is |was )?(?:an? )?\d{1,3}[ -]?(?:y/?o|yo|years?|yrs?|-year|F\b|M\b|female|male))"
    yield _rule("name", rf"(?<![A-Za-z])(?P<it>{NAME}){age}", _two_words)
    yield _rule(
        "name",
        rf"(?<![A-Za-z])(?:spoke (?:to|with)|discussed with|informed|notified|called|contact(?:ed)?|met with|thank you,?|thanks,?|sincerely,?|regards,?|c/o|attn:?|copy to|cc:?|on behalf of|under the care of|care of|known as|a\.?k\.?a\.?)[ \t\n]+(?:(?:Dr|Mr|Mrs|Ms|Prof)\.?[ \t]+)?(?P<it>{NAME})",
        _person,
    )
    yield _rule(
        "name", rf"(?<![A-Za-z])(?P<it>{NAME}),?[ \t]+(?:{_CREDENTIALS})\b\.?(?![A-Za-z])", _person
    )
    yield _rule("name", rf"(?<![A-Za-z])(?P<it>{NAME}), ?OD\.?[ \t]*(?=\n|$|\[)", _two_words)
    yield _rule("name", rf"\[institution\][ \t\n]*[-—–/,:|]*[ \t\n]*(?P<it>{NAME})", _person)
    yield _rule(
        "name",
        rf"(?:(?<=\n)|^)[ \t]*(?P<it>{NAME})[ \t]*[-—–,|/]*[ \t]*(?=\[institution\])",
        _two_words,
    )
    yield _rule(
        "name",
        rf"(?:\n|^|[.;)] +|[-—–~] ?|\[name\](?:,| and| &|/) ?)(?P<it>{NAME})\.?[ \t]*(?=\n*$|[ ,]*\[(?:date|day -?\d+)\])",
        _two_words,
    )
