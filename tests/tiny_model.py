"""A language model with random weights, and a real vLLM server on the CPU that serves it.

Nothing is downloaded. Run as a script by the Python of the vLLM environment, it writes the model; imported by tests, it
finds that Python, starts the server and stops it. The model's words are noise: what is tested is all around them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEASH = ROOT / "radprompter" / "leash.py"
MODEL = "tiny"
LONGEST = 8192  # tokens of prompt and reply
VOCABULARY = 1024
START_LIMIT_S = 400

ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB; unset, most of the machine's memory is taken
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",  # more wait for one another on a busy machine, and so small a model has no work for them
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

FLAGS = (
    "--dtype=float32",
    "--enforce-eager",
    f"--max-model-len={LONGEST}",
    "--max-num-seqs=16",
    "--seed=0",
    f"--served-model-name={MODEL}",
    f"--max-logprobs={VOCABULARY}",
    "--trust-request-chat-template",  # a request may bring one, so that one server stands for several
    # chunked prefill and a seed in the request together kill the engine on a CPU
    "--no-enable-chunked-prefill",
    f"--max-num-batched-tokens={LONGEST}",
    # a weak model would otherwise fill its answer with white space
    '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
)

CHAT_TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def vllm_python() -> Path | None:
    """The Python that has vLLM, or ``None``."""
    python = Path(os.environ.get("RADPROMPTER_VLLM_PYTHON", ROOT / ".venv-vllm" / "bin" / "python"))
    return python if python.is_file() else None


def build(folder: Path) -> None:
    """Write configuration, weights, tokenizer and chat template of a two-layer model."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|pad|>", "<|start|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),  # every byte has a token, so every answer can be spelled
        show_progress=False,
    )
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates").rglob("*.*")) if path.is_file()]
    words.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    Qwen3ForCausalLM(config).eval().save_pretrained(folder)


def make_model(folder: Path, python: Path, *, script: Path = Path(__file__)) -> Path:
    """Have a script build a model in a folder, which is given back."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "model.log").open("wb") as log:
        command = [str(python), str(script), str(folder)]
        subprocess.run(command, env={**os.environ, **ENVIRONMENT}, stdout=log, stderr=subprocess.STDOUT, check=True)
    return folder


@contextmanager
def serving(model: Path, python: Path, *, flags: Sequence[str] = ()) -> Iterator[str]:
    """Serve the model of a folder, with further flags; gives the address of the endpoint."""
    log = model / "server.log"
    with log.open("wb") as output:
        port = _free_port()
        # the module, since the `vllm` command of the CPU build does not start
        command = [str(python), "-m", "vllm.entrypoints.openai.api_server", f"--model={model}", *FLAGS, *flags]
        server = subprocess.Popen(
            [sys.executable, "-I", str(LEASH), *command, "--host=127.0.0.1", f"--port={port}"],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.PIPE,  # never written to: it closes when this process ends, even if it is killed
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(port, server, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            _stop(server)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
                response.read()
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"the vLLM server did not start: {json.dumps(log.read_text(errors='replace')[-3000:])}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and the processes that it started: its group, which is its own."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
            server.wait(30)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    server.wait()
    if server.stdin is not None:
        server.stdin.close()


def main(folder: Path, *, serve: bool) -> None:
    """Write the model; or, from any Python, have it written and served until the process is stopped."""
    python = vllm_python()
    if not serve:
        build(folder)
    elif python is None:
        raise SystemExit("no vLLM environment: `make test` makes .venv-vllm")
    else:
        with serving(make_model(folder, python), python) as url:
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), serve="serve" in sys.argv[2:])
