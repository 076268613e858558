"""From unit costs to an archive: hours, money, memory, disk and network, as pure functions.

Nothing here measures; benchmarks/scale.py does, and prints docs/scale.md. Seconds, bytes and
operations are plain numbers in their base units unless a name says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HOUR = 3600.0
FLOAT = 4  # bytes
LOGIT_COPIES = 4  # the logits, their soft-max, their gradient, the match matrix
RECOMPUTE = 4 / 3  # cached gradients run the forward pass twice: (2 + 2) / (1 + 2)


@dataclass(frozen=True)
class Archive:
    """What is to be learned.

    Attributes:
        name: in words.
        photographs: how many.
        texts: different captions, which a frozen text tower reads once.
        epochs: how often each photograph is seen.
    """

    name: str
    photographs: int
    texts: int
    epochs: float

    @property
    def passes(self) -> float:
        """Photographs through the tower in the whole training."""
        return self.photographs * self.epochs


@dataclass(frozen=True)
class Unit:
    """Measured costs of one photograph (or text), on one machine.

    Attributes:
        photo_bytes: encoded, as stored in a corpus.
        row_bytes: its rows of the tables, in memory.
        ingest_seconds: from the archive into a corpus, on the machine of that measurement.
        scan_seconds: of `ingest`'s second pass, for one reading.
        strings: of that pass, ways to write a string that identifies.
        strings_a_reading: how many it looks for at once.
        text_seconds: one caption through the frozen text tower.
    """

    photo_bytes: float
    row_bytes: float
    ingest_seconds: float
    scan_seconds: float
    strings: float
    strings_a_reading: int
    text_seconds: float


@dataclass(frozen=True)
class Model:
    """What is trained.

    Attributes:
        name: of the image tower, with its size.
        read_seconds: a photograph decoded, cropped, augmented for it, by one core.
        step_seconds: forward and backward of one photograph on the measured CPU, all its cores.
        flops: of the same, arithmetic operations.
        parameters: that train.
        frozen: that do not.
        width: features of a photograph.
        text_width: features of a text.
        kept_bytes: a photograph of a chunk, between forward and backward pass.
        utilization: assumed share of a GPU's peak that its operations reach.
    """

    name: str
    read_seconds: float
    step_seconds: float
    flops: float
    parameters: int
    frozen: int
    width: int
    text_width: int
    kept_bytes: float
    utilization: float


@dataclass(frozen=True)
class Machine:
    """What it is trained on; a GPU's figures are assumptions, not measurements.

    Attributes:
        name: in words.
        gpus: 0 for a CPU alone.
        batch: photographs a step, all GPUs together.
        chunk: photographs in one pass through the tower.
        cores: of the CPU, for each GPU (or in all, without one).
        memory: main memory for each GPU (or in all), bytes.
        gpu_memory: of one, bytes.
        peak: operations a second of one GPU.
        network: bytes a second of each GPU's share, to other GPUs and to the storage.
        disk: bytes of storage.
        price: of an hour of one GPU with its cores, or of one CPU core.
    """

    name: str
    gpus: int
    batch: int
    chunk: int
    cores: int
    memory: float
    gpu_memory: float
    peak: float
    network: float
    disk: float
    price: float


@dataclass(frozen=True)
class Limit:
    """Something that is used up: what, how much, how much there is."""

    name: str
    used: float
    allowed: float
    unit: str

    @property
    def share(self) -> float:
        """Above 1: broken."""
        return self.used / self.allowed


def ranks(machine: Machine) -> int:
    """Processes that train."""
    return max(1, machine.gpus)


def cached(machine: Machine) -> bool:
    """Whether a rank's share of the batch goes through the tower in chunks."""
    return machine.chunk < machine.batch / ranks(machine)


def compute_seconds(model: Model, machine: Machine) -> float:
    """One step of arithmetic, each GPU with its share of the batch.

    A CPU: measured. A GPU: operations / (peak x assumed utilization).
    """
    one = model.step_seconds
    if machine.gpus:
        one = model.flops / (machine.peak * model.utilization)
    again = RECOMPUTE if cached(machine) else 1.0
    return machine.batch / ranks(machine) * one * again


def gathered_bytes(model: Model, machine: Machine) -> float:
    """Features that each rank receives from the others in a step: (N - 1) / N of the batch."""
    n = ranks(machine)
    return machine.batch * (model.width + model.text_width) * FLOAT * (n - 1) / n


def reduced_bytes(model: Model, machine: Machine) -> float:
    """Gradients that each rank sends in a step, all-reduced in a ring: 2 (N - 1) / N."""
    n = ranks(machine)
    return 2 * model.parameters * FLOAT * (n - 1) / n


def step_seconds(model: Model, machine: Machine) -> float:
    """One step; without a GPU reading takes its cores' time, beside one it only must keep up.

    Nothing is assumed to overlap between arithmetic and network.
    """
    reading = machine.batch / ranks(machine) * model.read_seconds / machine.cores
    compute = compute_seconds(model, machine)
    if not machine.gpus:
        return compute + reading
    sent = gathered_bytes(model, machine) + reduced_bytes(model, machine)
    return max(compute + sent / machine.network, reading)


def train_hours(archive: Archive, unit: Unit, model: Model, machine: Machine) -> float:
    """All passes, and each text once through the frozen text tower (by the cores)."""
    steps = archive.passes / machine.batch
    texts = archive.texts * unit.text_seconds / (machine.cores * ranks(machine))
    return (steps * step_seconds(model, machine) + texts) / HOUR


def money(hours: float, machine: Machine) -> float:
    """Hours x price of all GPUs, or of all cores."""
    return hours * machine.price * (machine.gpus or machine.cores)


def ingest_hours(archive: Archive, unit: Unit, parts: int = 1) -> float:
    """On the machine of the measurement; `parts`: corpora of equal size, one after the other.

    The second pass reads the corpus once for each so many strings, and their number grows with
    the archive: with the square of a part's size.
    """
    linear = archive.photographs * unit.ingest_seconds
    readings = math.ceil(unit.strings * archive.photographs / parts / unit.strings_a_reading)
    return (linear + readings * archive.photographs * unit.scan_seconds) / HOUR


def logit_bytes(machine: Machine) -> float:
    """The whole batch against its texts, at most one each, float32, on every rank."""
    return LOGIT_COPIES * FLOAT * machine.batch**2


def rank_bytes(model: Model, machine: Machine) -> float:
    """Memory of one rank: weights, their average, gradient and AdamW's two; chunk; logits."""
    share = machine.batch / ranks(machine)
    weights = (5 * model.parameters + 2 * model.frozen) * FLOAT
    features = machine.batch * (model.width + model.text_width) * FLOAT * 2
    chunk = min(machine.chunk, share) * model.kept_bytes
    return weights + features + chunk + logit_bytes(machine)


def host_bytes(
    archive: Archive, unit: Unit, model: Model, machine: Machine, window: float
) -> float:
    """Main memory of one rank: its copy of the tables and its window of encoded photographs."""
    held = archive.photographs * unit.row_bytes + min(window, disk_bytes(archive, unit))
    return held + (0 if machine.gpus else rank_bytes(model, machine))


def disk_bytes(archive: Archive, unit: Unit) -> float:
    """The corpus; photographs are streamed from its shards, no second copy is made."""
    return archive.photographs * unit.photo_bytes


def checkpoint_bytes(model: Model) -> float:
    """Weights, their average and AdamW's two moments; frozen weights twice."""
    return (4 * model.parameters + 2 * model.frozen) * FLOAT


def read_rate(unit: Unit, model: Model, machine: Machine) -> float:
    """Bytes of photographs a second that one rank draws from the storage."""
    share = machine.batch / ranks(machine)
    return share * unit.photo_bytes / step_seconds(model, machine)


def limits(
    archive: Archive, unit: Unit, model: Model, machine: Machine, *, window: float, days: float
) -> list[Limit]:
    """What may break, the nearest to breaking first."""
    n, gib = ranks(machine), 2.0**30
    compute = compute_seconds(model, machine)
    sent = gathered_bytes(model, machine) + reduced_bytes(model, machine)
    cores = machine.batch / n * model.read_seconds / compute
    host = host_bytes(archive, unit, model, machine, window)
    found = [
        Limit("time", train_hours(archive, unit, model, machine) / 24, days, "days"),
        Limit("ingest in one corpus", ingest_hours(archive, unit) / 24, days, "days"),
        Limit("main memory of a rank", host / gib, machine.memory / gib, "GiB"),
        Limit("disk", disk_bytes(archive, unit) / 1e12, machine.disk / 1e12, "TB"),
    ]
    if machine.gpus:
        memory = rank_bytes(model, machine)
        found += [
            Limit("memory of a GPU", memory / gib, machine.gpu_memory / gib, "GiB"),
            Limit("cores that read, a GPU", cores, machine.cores, "cores"),
            Limit("network between GPUs", 1000 * sent / machine.network, 1000 * compute, "ms"),
            Limit(
                "storage, a GPU",
                read_rate(unit, model, machine) / 1e6,
                machine.network / 1e6,
                "MB/s",
            ),
        ]
    return sorted(found, key=lambda limit: -limit.share)
