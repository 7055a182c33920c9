"""`radprompter serve`: a vLLM server with the settings that labeling needs, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radprompter.terminal import DONE, console, guarded

if TYPE_CHECKING:
    from radprompter.serving import ServerPlan


@guarded
def serve(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a model, or its name on a hub.")],
    extra: Annotated[
        list[str] | None, typer.Argument(metavar="[-- FLAGS]", help="Further flags of vLLM, after `--`; they win.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 8000,
    tensor_parallel: Annotated[int, typer.Option(min=1, metavar="N", help="GPUs that share the model.")] = 1,
    max_num_seqs: Annotated[int, typer.Option(min=1, metavar="N", help="Requests answered at the same time.")] = 256,
    max_logprobs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Likeliest tokens that can be asked for.")
    ] = 128,
    chat_template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Chat template instead of the model's own.")
    ] = None,
    python: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Python of an environment with vLLM; this one by default.")
    ] = None,
    log: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the server's log.")] = None,
    start_limit_s: Annotated[float, typer.Option(min=1, help="Seconds that loading may take.")] = 1800,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the command and why each flag is set.")] = False,
) -> int:
    """Start a vLLM server with the right settings for labels, print the recipe lines for it, and stay until Ctrl-C."""
    from radprompter.serving import ServerPlan, check_plan, recipe_lines, serving

    plan = ServerPlan(
        model,
        python or Path(sys.executable),
        host=host,
        port=port,
        tensor_parallel=tensor_parallel,
        max_num_seqs=max_num_seqs,
        max_logprobs=max_logprobs,
        chat_template=chat_template,
        extra=tuple(extra or ()),
    )
    if dry_run:
        _show(plan)
        return DONE
    check_plan(plan)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _say(f"starting vLLM with {model} (until Ctrl-C)")
        with serving(plan, start_limit_s=start_limit_s, log=log) as server:
            _say(f"ready at {plan.url}; in the recipe:")
            for line in recipe_lines(plan):
                _say(line)
            sys.stdout.flush()
            code = server.wait()
    except KeyboardInterrupt:
        _say("ended")
        return DONE
    from radprompter.errors import RadprompterError

    raise RadprompterError(f"the server ended by itself, with exit code {code}; --log FILE keeps its log")


def _interrupt(number: int, frame: object) -> None:
    """Being told to end is the same as Ctrl-C: the server must not be left behind."""
    raise KeyboardInterrupt


def _show(plan: ServerPlan) -> None:
    import shlex

    from rich.table import Table

    variables = [f"{name}={value}" for name, value in plan.environment.items()]
    _say(shlex.join(["env", *variables, *plan.command]))
    table = Table(box=None)
    table.add_column("flag", overflow="fold", max_width=44)
    table.add_column("why")
    for flag in plan.flags:
        table.add_row(flag.text.replace("[", r"\["), flag.why)
    console().print(table)


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)
