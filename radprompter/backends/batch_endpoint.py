"""The files and batches of a hosted endpoint: submit once, ask for the state, fetch, and leave nothing there.

Source: https://platform.openai.com/docs/api-reference/batch and /files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from radprompter.addresses import is_on_this_machine
from radprompter.backends.batch_folder import Batch, BatchFolder
from radprompter.backends.batch_lines import read_answers
from radprompter.backends.endpoint import check_address, find_key
from radprompter.backends.request import OpenAIOptions
from radprompter.backends.retrying import is_retryable
from radprompter.errors import BackendError

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import Batch as RemoteBatch

TAG = "radprompter"
"""Key of a batch's metadata that has its name."""

ABSENT = {"completed": "missing", "expired": "expired", "cancelled": "cancelled"}
"""How a batch ended -> the kind of failure of a request that has no line then."""

MOST_LISTED = 1_000
"""How many of the newest batches or files are looked through for one that may be ours."""


class HostedRunner:
    """Batches at an endpoint.

    Parameters
    ----------
    options:
        Address, key and waiting times.
    delete_files:
        Whether requests and answers are deleted there once they are fetched.
    """

    def __init__(self, options: OpenAIOptions, *, delete_files: bool) -> None:
        self._options = options
        self._delete_files = delete_files
        self._url = check_address(options.base_url, remote=options.remote)
        self._host = urlsplit(self._url).netloc
        self._states: Counter[str] = Counter()

    def submit(self, folder: BatchFolder) -> None:
        """Create each batch that was written, unless it is there already: an earlier run may have died in between.

        Raises
        ------
        BackendError
            If the endpoint cannot be asked; what was submitted is remembered.
        """
        written = [batch for batch in folder.batches if batch.stage == "written"]
        if not written:
            return
        with self._connected() as client:
            found = self._listed_batches(client)
            files = self._listed_files(client) if any(not batch.file_id for batch in written) else {}
            for batch in written:
                if batch.name in found:
                    batch.batch_id, batch.file_id = found[batch.name]
                else:
                    batch.file_id = (
                        batch.file_id or files.get(f"{batch.name}.jsonl") or self._upload(client, folder, batch)
                    )
                    folder.save()
                    batch.batch_id = self._create(client, batch)
                batch.stage = "submitted"
                folder.save()

    def fetch(self, folder: BatchFolder, batches: Sequence[Batch]) -> bool:
        """Keep the answers of those batches that are done, then delete them at the endpoint.

        Raises
        ------
        BackendError
            If the endpoint cannot be asked, or has refused a batch as a whole: running again submits it anew.
        """
        n_done = 0
        self._states.clear()
        with self._connected() as client:
            for batch in batches:
                remote = client.batches.retrieve(batch.batch_id)
                self._states[remote.status] += 1
                if remote.status == "failed":
                    raise self._refused(folder, batch, remote)
                if remote.status in ABSENT:
                    self._keep(client, folder, batch, remote)
                    n_done += 1
            self._delete(client, folder)
        return n_done > 0

    def describe(self, folder: BatchFolder, batches: Sequence[Batch], n_requests: int) -> str:
        """How many answers are awaited, and the states of the batches."""
        states = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in sorted(self._states.items()))
        return (
            f"{n_requests:,} answers are awaited from {self._host} (batches: {states}); "
            "run the same command again to fetch them"
        )

    def _keep(self, client: OpenAI, folder: BatchFolder, batch: Batch, remote: RemoteBatch) -> None:
        outputs = [name for name in (remote.output_file_id, remote.error_file_id) if name]
        lines = [line for name in outputs for line in client.files.content(name).content.splitlines()]
        answers = read_answers(lines, folder.asked(batch), ABSENT[remote.status])
        folder.keep(batch, answers, [batch.file_id, *outputs] if self._delete_files else ())

    def _delete(self, client: OpenAI, folder: BatchFolder) -> None:
        """Delete what was fetched; what cannot be deleted now is tried again by the next run."""
        import openai

        for batch in (batch for batch in folder.batches if batch.leftovers):
            for name in list(batch.leftovers):
                with suppress(openai.APIError):
                    with suppress(openai.NotFoundError):
                        client.files.delete(name)
                    batch.leftovers.remove(name)
            folder.save()

    def _refused(self, folder: BatchFolder, batch: Batch, remote: RemoteBatch) -> BackendError:
        """The error for a batch that was not begun; its codes are told, and its messages not: they may quote."""
        batch.stage = "refused"
        batch.leftovers = [batch.file_id] if self._delete_files else []
        folder.save()
        folder.forget_requests(batch)
        listed = (remote.errors.data or []) if remote.errors else []
        codes = sorted({error.code for error in listed if error.code and re.fullmatch(r"[a-z_.]{3,40}", error.code)})
        said = f" ({', '.join(codes)})" if codes else ""
        return BackendError(
            f"{self._host} refused a batch of {batch.n_requests:,} requests as a whole{said}; "
            "nothing of it was answered. Mend what it names, or submit less at once (label.limit); "
            "running again submits its requests anew",
            kind="batch_refused",
        )

    def _listed_batches(self, client: OpenAI) -> dict[str, tuple[str, str]]:
        newest = islice(client.batches.list(limit=100), MOST_LISTED)
        return {b.metadata[TAG]: (b.id, b.input_file_id) for b in newest if b.metadata and TAG in b.metadata}

    def _listed_files(self, client: OpenAI) -> dict[str, str]:
        newest = islice(client.files.list(purpose="batch", order="desc", limit=1_000), MOST_LISTED)
        return {file.filename: file.id for file in newest}

    def _upload(self, client: OpenAI, folder: BatchFolder, batch: Batch) -> str:
        with folder.requests(batch).open("rb") as content:
            sent = client.with_options(max_retries=0, timeout=self._options.deadline_s)
            return sent.files.create(file=(f"{batch.name}.jsonl", content), purpose="batch").id

    def _create(self, client: OpenAI, batch: Batch) -> str:
        """Create a batch; never tried again here, since a lost response may mean that it was made."""
        return (
            client.with_options(max_retries=0)
            .batches.create(
                input_file_id=batch.file_id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={TAG: batch.name},
            )
            .id
        )

    @contextmanager
    def _connected(self) -> Iterator[OpenAI]:
        """A client whose errors are ours."""
        import openai

        local = is_on_this_machine(urlsplit(self._url).hostname or "")
        # A redirect could lead off this machine, and so could a proxy from the environment.
        http = openai.DefaultHttpxClient(follow_redirects=False, trust_env=not local)
        key = find_key(self._options.api_key_env, self._url)
        try:
            with openai.OpenAI(
                base_url=self._url,
                api_key=key,
                http_client=http,
                timeout=self._options.request_timeout_s,
                max_retries=self._options.max_retries,
            ) as client:
                yield client
        except openai.APIStatusError as error:
            status = error.status_code
            again = is_retryable(status)
            remedy = "try again later" if again else "check base_url, the key, and that it has files and batches"
            message = f"{self._host} refuses to handle a batch ({status}); {remedy}. What was submitted is remembered"
            raise BackendError(message, kind="server_error" if again else "refused", retryable=again) from None
        except openai.APIConnectionError:
            message = f"{self._host} gives no answer; what was submitted is remembered: run the same command again"
            raise BackendError(message, kind="unreachable", retryable=True) from None
