from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from funduscope.errors import ConfigError
from funduscope.pretrain import PretrainSettings, ranks

SCRIPT = Path(__file__).parent / "rank_laws.py"
OBJECTIVES = ("infonce", "sigmoid", "patient", "findings")
Found = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def laws() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rank_laws", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def whole(laws: ModuleType) -> dict[str, Found]:
    """One process, one pass."""
    return {objective: laws.gradients(objective, 0) for objective in OBJECTIVES}


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Found]]:
    """Two processes over loopback (gloo), in one pass and in parts of three photographs."""
    out = tmp_path_factory.mktemp("ranks") / "found.pt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared |= {"ACCELERATE_USE_CPU": "1", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(out), "0", "3"],
            env=os.environ | shared | {"RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
        )
        for rank in ("0", "1")
    ]
    for process in started:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said.decode()
    found: dict[str, dict[str, Found]] = torch.load(out)
    return found


def assert_same(found: Found, expected: Found) -> None:
    assert found.keys() == expected.keys()
    assert float((found["loss"] - expected["loss"]).abs()) < 1e-9
    for name, gradient in expected.items():
        assert float((found[name] - gradient).abs().max()) < 1e-7, name


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("chunk", [1, 5])
def test_parts_of_a_batch_give_the_gradient_of_the_batch(objective, chunk, laws, whole):
    assert_same(laws.gradients(objective, chunk), whole[objective])


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("chunk", ["0", "3"])
def test_two_processes_give_the_gradient_of_one(objective, chunk, halves, whole):
    assert_same(halves[chunk][objective], whole[objective])


def test_every_objective_reaches_both_towers(whole):
    for objective, found in whole.items():
        for name in ("image.blocks.0.weight", "text_projection.weight", "log_scale"):
            short = [n for n in found if n.endswith(name.removeprefix("image.blocks.0."))]
            assert any(float(found[n].abs().max()) > 0 for n in short), (objective, name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="torch sees no GPU"):
        ranks.join(PretrainSettings(device="cuda"))
