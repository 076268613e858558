"""The words of the reports, in Chinese and English; findings are named as in the vocabulary.

A phrase may hold {cdr} (cup/disc ratio), {arcade} and {side} (which temporal arcade, which side).
"""

from __future__ import annotations

SIGNS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "optic_disc_cupping": (
            "optic disc cupping with C/D {cdr}",
            "enlarged cup, C/D {cdr}",
            "large cup with C/D of {cdr}",
        ),
        "dot_blot_hemorrhage": (
            "scattered dot-blot hemorrhages in the posterior pole",
            "multiple dot-blot hemorrhages",
            "numerous blot hemorrhages",
        ),
        "flame_hemorrhage": (
            "flame-shaped hemorrhages along the arcades",
            "several flame hemorrhages",
            "flame-shaped hemorrhages near the disc",
        ),
        "hard_exudate": (
            "hard exudates near the macula",
            "clusters of hard exudate",
            "circinate exudate in the posterior pole",
        ),
        "cotton_wool_spot": (
            "cotton wool spots",
            "a few cotton-wool spots near the arcades",
            "soft exudate near the disc",
        ),
        "drusen": (
            "multiple drusen in the macula",
            "macular drusen",
            "drusen at the posterior pole",
        ),
        "laser_scar": (
            "laser scars in the periphery",
            "old photocoagulation scars",
            "laser spots outside the arcades",
        ),
        "myopic_crescent": (
            "myopic crescent at the temporal disc edge",
            "temporal crescent",
            "myopic crescent",
        ),
        "tessellated_fundus": ("tessellated fundus", "tigroid fundus", "fundus tessellation"),
        "media_opacity": ("hazy media", "media opacity", "media haze"),
        "erm": (
            "epiretinal membrane over the macula",
            "epiretinal membrane",
            "macular pucker with folds",
        ),
        "brvo": (
            "{arcade} branch retinal vein occlusion",
            "BRVO along the {arcade} arcade",
            "branch retinal vein occlusion, {arcade}",
        ),
        "myelinated_nerve_fibers": (
            "myelinated nerve fibers {side} to the disc",
            "myelinated nerve fibers",
            "medullated nerve fibres next to the disc",
        ),
        "choroidal_nevus": ("choroidal nevus", "flat choroidal nevus", "a choroidal naevus"),
    },
    "zh": {
        "optic_disc_cupping": (
            "视杯扩大，C/D约{cdr}",
            "杯盘比大，C/D={cdr}",
            "视盘凹陷扩大，C/D约{cdr}",
        ),
        "dot_blot_hemorrhage": ("后极部散在点片状出血", "视网膜点片状出血", "可见多处点状出血"),
        "flame_hemorrhage": ("血管弓旁火焰状出血", "可见火焰状出血", "视盘周围火焰状出血"),
        "hard_exudate": ("黄斑区硬性渗出", "后极部可见硬性渗出", "黄白色硬性渗出"),
        "cotton_wool_spot": ("散在棉絮斑", "可见棉绒斑", "血管弓旁棉絮斑"),
        "drusen": ("黄斑区多发玻璃膜疣", "后极部玻璃膜疣", "黄斑区散在玻璃膜疣"),
        "laser_scar": ("周边可见激光斑", "视网膜激光斑", "血管弓外陈旧激光斑"),
        "myopic_crescent": ("视盘颞侧近视弧", "视盘颞侧弧形斑", "近视弧形斑"),
        "tessellated_fundus": ("豹纹状眼底", "眼底呈豹纹状改变", "豹纹状眼底改变"),
        "media_opacity": ("屈光介质混浊", "屈光间质混浊", "屈光介质混浊"),
        "erm": ("黄斑前膜", "黄斑区可见视网膜前膜", "黄斑前膜形成"),
        "brvo": (
            "{arcade}视网膜分支静脉阻塞",
            "{arcade}分支静脉阻塞",
            "视网膜分支静脉阻塞（{arcade}）",
        ),
        "myelinated_nerve_fibers": (
            "视盘{side}有髓神经纤维",
            "有髓神经纤维",
            "视盘旁有髓鞘神经纤维",
        ),
        "choroidal_nevus": ("脉络膜痣", "可见一处脉络膜痣", "后极部脉络膜色素痣"),
    },
}

# Plain names for a mention in doubt.
NAMES: dict[str, dict[str, str]] = {
    "en": {
        "optic_disc_cupping": "optic disc cupping",
        "dot_blot_hemorrhage": "dot-blot hemorrhage",
        "flame_hemorrhage": "flame-shaped hemorrhage",
        "hard_exudate": "hard exudate",
        "cotton_wool_spot": "cotton wool spots",
        "drusen": "drusen",
        "laser_scar": "laser scars",
        "myopic_crescent": "myopic crescent",
        "tessellated_fundus": "tessellated fundus",
        "media_opacity": "media opacity",
        "erm": "epiretinal membrane",
        "brvo": "branch retinal vein occlusion",
        "myelinated_nerve_fibers": "myelinated nerve fibers",
        "choroidal_nevus": "choroidal nevus",
    },
    "zh": {
        "optic_disc_cupping": "视杯扩大",
        "dot_blot_hemorrhage": "点片状出血",
        "flame_hemorrhage": "火焰状出血",
        "hard_exudate": "硬性渗出",
        "cotton_wool_spot": "棉絮斑",
        "drusen": "玻璃膜疣",
        "laser_scar": "激光斑",
        "myopic_crescent": "近视弧形斑",
        "tessellated_fundus": "豹纹状眼底",
        "media_opacity": "屈光介质混浊",
        "erm": "黄斑前膜",
        "brvo": "视网膜分支静脉阻塞",
        "myelinated_nerve_fibers": "有髓神经纤维",
        "choroidal_nevus": "脉络膜痣",
    },
}

# Disease of a person -> (signs that justify it in an eye, diagnosis code, status, words).
Diagnosis = tuple[tuple[str, ...], str, str, str, str]
DIAGNOSES: dict[str, tuple[Diagnosis, ...]] = {
    "diabetes": (
        (
            ("dot_blot_hemorrhage",),
            "npdr",
            "present",
            "nonproliferative diabetic retinopathy",
            "非增殖期糖尿病视网膜病变",
        ),
    ),
    "hypertension": (
        (
            ("flame_hemorrhage", "cotton_wool_spot"),
            "hypertensive_retinopathy",
            "present",
            "hypertensive retinopathy",
            "高血压视网膜病变",
        ),
    ),
    "amd": (
        (("drusen",), "early_amd", "present", "early AMD", "早期年龄相关性黄斑变性"),
        (("drusen",), "amd", "present", "age-related macular degeneration", "年龄相关性黄斑变性"),
    ),
    "myopia": (
        (
            ("myopic_crescent", "tessellated_fundus"),
            "myopic_fundus",
            "present",
            "myopic fundus changes",
            "近视性眼底改变",
        ),
    ),
    "glaucoma": (
        (("optic_disc_cupping",), "glaucoma", "uncertain", "suspected glaucoma", "可疑青光眼"),
        (("optic_disc_cupping",), "glaucoma", "present", "glaucoma", "青光眼"),
    ),
    "cataract": ((("media_opacity",), "cataract", "present", "cataract", "白内障"),),
    "membrane": ((("erm",), "erm", "present", "epiretinal membrane", "黄斑前膜"),),
    "occlusion": (
        (("brvo",), "brvo", "present", "branch retinal vein occlusion", "视网膜分支静脉阻塞"),
    ),
    "myelin": (
        (
            ("myelinated_nerve_fibers",),
            "myelinated_nerve_fibers",
            "present",
            "myelinated nerve fibers",
            "有髓神经纤维",
        ),
    ),
    "nevus": ((("choroidal_nevus",), "choroidal_nevus", "present", "choroidal nevus", "脉络膜痣"),),
}

# (codes denied, findings that forbid the denial, English, Chinese)
Denial = tuple[tuple[str, ...], tuple[str, ...], str, str]
_BLEEDING = ("dot_blot_hemorrhage", "flame_hemorrhage", "brvo")
_EXUDATES = ("hard_exudate", "cotton_wool_spot")
DENIALS: tuple[Denial, ...] = (
    (
        ("retinal_hemorrhage", "exudate"),
        _BLEEDING + _EXUDATES,
        "no hemorrhage or exudate",
        "未见出血、渗出",
    ),
    (("retinal_hemorrhage",), _BLEEDING, "no retinal hemorrhage", "未见视网膜出血"),
    (("drusen",), ("drusen",), "no drusen", "未见玻璃膜疣"),
    (("macular_edema",), (), "no macular edema", "未见黄斑水肿"),
    (("cotton_wool_spot",), ("cotton_wool_spot",), "no cotton wool spots", "未见棉絮斑"),
    (("neovascularization",), (), "no neovascularization", "未见新生血管"),
    (("erm",), ("erm",), "no epiretinal membrane", "未见黄斑前膜"),
    (("retinal_detachment",), (), "without retinal detachment", "未见视网膜脱离"),
)

NORMAL = {
    "en": ("normal fundus", "fundus within normal limits", "unremarkable fundus"),
    "zh": ("眼底未见明显异常", "眼底未见异常", "眼底大致正常"),
}
UNGRADABLE = {
    "en": ("ungradable", "fundus not visible", "unreadable"),
    "zh": ("眼底窥不清", "无法评估", "眼底窥视不清"),
}
DISC_NORMAL = {
    "en": ("optic disc margin clear, C/D {cdr}", "disc margin sharp, C/D {cdr}"),
    "zh": ("视盘边界清，C/D约{cdr}", "视盘边界清，色淡红，C/D={cdr}"),
}
MACULA_NORMAL = {
    "en": ("foveal reflex present", "macula flat"),
    "zh": ("黄斑中心凹反光可见", "黄斑中心凹反光存在"),
}
VESSELS_NORMAL = {
    "en": ("vessels of normal course", "vessels of normal caliber"),
    "zh": ("视网膜血管走行正常", "血管走行大致正常"),
}
DOUBT = {"en": ("suspected {}", "possible {}"), "zh": ("可疑{}", "疑似{}")}
EYES = {
    "en": (
        ("Right eye: {}; left eye: {}.", "Both eyes: {}."),
        ("OD: {}. OS: {}.", "OU: {}."),
        ("RE: {}. LE: {}.", "Both eyes: {}."),
    ),
    "zh": (
        ("右眼：{}；左眼：{}。", "双眼：{}。"),
        ("右眼{}。左眼{}。", "双眼{}。"),
        ("OD：{}。OS：{}。", "OU：{}。"),
    ),
}
HISTORY = {
    "en": {"diabetes": "Diabetes for {years} years.", "hypertension": "History of hypertension."},
    "zh": {"diabetes": "糖尿病史{years}年。", "hypertension": "高血压病史{years}年。"},
}
ADVICE = {
    "en": ("Recommend annual review.", "Clinical correlation advised.", "Review in 6 months."),
    "zh": ("建议定期复查。", "请结合临床。", "建议6个月后复查。"),
}
# Sentences with planted identities, before and after the report proper.
OPENINGS = {
    "en": (
        "Patient: {name}, MRN {number}.",
        "{title} {family} was seen on {date}.",
        "{name} (DOB {born}), tel {phone}.",
    ),
    "zh": (
        "患者{name}，{sex}，{age}岁。",
        "姓名：{name}，病历号：{number}，电话：{phone}。",
        "{name}，身份证号{id_card}，于{date}来诊。",
        "{family}{title}自述视力下降。",
    ),
}
CLOSINGS = {
    "en": ("Reported by Dr. {doctor}.", "Results told to the patient by phone, {phone}."),
    "zh": ("报告医师：{doctor}。", "已电话通知患者，{phone}。", "报告日期：{date}。"),
}
ARCADE = {
    "en": {True: "superotemporal", False: "inferotemporal"},
    "zh": {True: "颞上", False: "颞下"},
}
SIDE = {"en": {True: "superior", False: "inferior"}, "zh": {True: "上方", False: "下方"}}
TITLE = {"en": {"female": "Ms.", "male": "Mr."}, "zh": {"female": "女士", "male": "先生"}}
SEX = {"female": "女", "male": "男"}
