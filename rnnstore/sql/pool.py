"""Workers for a store: one ready ahead, a few at once, a short queue, and an end to whatever takes too long.

A worker answers one query and ends, so nothing that a query leaves behind meets another. Starting one takes half a
second, mostly imports; as one stands ready, nobody waits for that unless several ask within that time. What a visitor
asks anew ends what they asked before: no one holds more than one place.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnnstore.errors import StoreError
from rnnstore.sql import worker as script
from rnnstore.sql.answers import Answer, Changed, Crowded, Stopped, as_error, hint, out_of_memory, out_of_time
from rnnstore.sql.limits import Limits
from rnnstore.sql.opening import opening
from rnnstore.store.folder import Store, fingerprint
from rnnstore.store.folder import open as open_store
from rnnstore.store.sql_errors import QueryError

STARTING = 60.0
"""Seconds that a worker may take to be ready, on a machine that has more to do."""

GRACE = 0.3
"""Seconds beyond its time after which a query is ended: what is nearly there may come."""


class Worker:
    """A child process that has opened a store; it answers one query."""

    def __init__(self, store: Store, fingerprint: str, limits: Limits) -> None:
        self.fingerprint = fingerprint
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", script.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.path.abspath(os.sep),
            env=_environment(),
            start_new_session=True,  # a Ctrl+C in the terminal is for the application
        )
        self._limits = limits
        self._replies: queue.SimpleQueue[tuple[dict[str, Any], bytes] | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(opening(store, limits))

    def ready(self, seconds: float = STARTING) -> None:
        """Wait until it is ready; raises `StoreError` with its reason when it never is."""
        reply = self._next(seconds)
        if reply is None or not reply[0].get("ready"):
            why = reply[0].get("error", {}).get("message", "") if reply else "it ended at once"
            self.end()
            raise StoreError(f"The process that answers queries could not be started: {why}.")

    def ask(self, query: str, **options: Any) -> None:
        self._send({"query": query, **options})

    def answer(self, seconds: float) -> tuple[dict[str, Any], bytes] | None:
        """What it answers within so many seconds, or None where it sent nothing and lives."""
        return self._next(seconds)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """Kill it: it has nothing to put in order."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def _next(self, seconds: float) -> tuple[dict[str, Any], bytes] | None:
        try:
            return self._replies.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message).encode("ascii")
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended; that is found when its answer is waited for
            self.process.stdin.write(struct.pack(">I", len(text)) + text)
            self.process.stdin.flush()

    def _listen(self) -> None:
        """Read messages until there are no more; what is longer than any answer may be ends the worker."""
        pipe = self.process.stdout
        assert pipe is not None
        with pipe:
            while len(sizes := pipe.read(8)) == 8:
                header, body = struct.unpack(">II", sizes)
                if header > 1_000_000 or body > 2 * self._limits.bytes + 1_000_000:
                    break
                text, content = pipe.read(header), pipe.read(body)
                if len(text) < header or len(content) < body:
                    break
                try:
                    reply = json.loads(text)
                except ValueError:
                    break
                self._replies.put((reply, content))
        self._replies.put(({"ended": True}, b""))


def _environment() -> dict[str, str]:
    """What a worker needs to start, and nothing of what may be secret in this process's environment."""
    passed_on = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")
    here = {name: os.environ[name] for name in passed_on if name in os.environ}
    places = [place for place in sys.path if place and Path(place).is_dir() and "site-packages" in place]
    return here | {"PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


class Question:
    """A query on its way: `done` waits, `answer` gives what became of it, `cancel` ends it."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.asked_at = time.monotonic()
        self.before = 0
        self._finished = threading.Event()
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._result: Answer | BaseException | None = None
        self.cancelled = False

    def done(self, seconds: float | None = None) -> bool:
        """Whether it is answered, cancelled or refused; waits for that as long as given."""
        return self._finished.wait(seconds)

    def answer(self) -> Answer:
        """The answer, waited for; raises the `QuestionError` that says why there is none."""
        self._finished.wait()
        if isinstance(self._result, BaseException):
            raise self._result
        assert self._result is not None
        return self._result

    @property
    def seconds(self) -> float:
        """How long ago it was asked."""
        return time.monotonic() - self.asked_at

    def cancel(self) -> None:
        """End it; its process is killed."""
        with self._lock:
            self.cancelled = True
            if self._worker is not None:
                self._worker.end()

    def _given_to(self, worker: Worker) -> bool:
        with self._lock:
            if self.cancelled:
                return False
            self._worker = worker
            return True

    def _finish(self, result: Answer | BaseException) -> None:
        with self._lock:
            self._worker = None
            self._result = result
        self._finished.set()


class Pool:
    """Answers the queries of many visitors over one store; `close` ends all its processes."""

    def __init__(self, limits: Limits | None = None, *, at_once: int = 3, waiting: int = 12, ahead: int = 1) -> None:
        self.limits = limits or Limits()
        self.at_once, self.waiting, self.ahead = at_once, waiting, ahead
        self._turn = threading.Condition()
        self._queue: deque[Question] = deque()
        self._running: set[Question] = set()
        self._spares: deque[Worker] = deque()
        self._starting = 0
        self._of_visitor: dict[str, Question] = {}
        self._opened: dict[Path, tuple[Store, str]] = {}
        self._closed = False

    def prepare(self, store: Store) -> None:
        """Have a worker started for the store as it is now, unless one is; returns at once."""
        with self._turn:
            wanted = self.ahead - self._starting - sum(worker.alive for worker in self._spares)
            if self._closed or wanted < 1:
                return
            self._starting += wanted
        for _ in range(wanted):
            threading.Thread(target=self._start_spare, args=(store,), daemon=True).start()

    def ask(self, store: Store, query: str, visitor: str = "", **options: Any) -> Question:
        """Ask; the answer comes to the `Question`. A visitor who is named ends what they asked before.

        Raises `Crowded` where too many wait already, and `QueryError` for a query that is too long.
        """
        if len(query) > self.limits.query_length:
            raise QueryError(
                f"The query has {len(query):,} characters; up to {self.limits.query_length:,} are read. Shorten it."
            )
        question = Question(query)
        with self._turn:
            earlier = self._of_visitor.pop(visitor, None) if visitor else None
            gives_up_a_place = earlier is not None and not earlier.done(0)
            if earlier is not None:
                earlier.cancel()
                self._turn.notify_all()
            if not gives_up_a_place and len(self._queue) >= self.waiting:
                raise Crowded(
                    f"{len(self._running)} queries are being answered and {len(self._queue)} wait: that is as many as "
                    "this machine takes. Ask again in a few seconds."
                )
            if visitor:
                self._of_visitor = {who: each for who, each in self._of_visitor.items() if not each.done(0)}
                self._of_visitor[visitor] = question
            self._queue.append(question)
            question.before = len(self._queue) + len(self._running) - self.at_once
        threading.Thread(target=self._answer, args=(store, question, options), daemon=True).start()
        return question

    def close(self) -> None:
        """End all processes; what is asked ends with them."""
        with self._turn:
            self._closed = True
            asked = [*self._queue, *self._running]
            spares, self._spares = list(self._spares), deque()
        for question in asked:
            question.cancel()
        with self._turn:
            self._turn.notify_all()
        for worker in spares:
            worker.end()

    # In a thread of each question

    def _answer(self, store: Store, question: Question, options: dict[str, Any]) -> None:
        try:
            self._wait_for_turn(question)
            result: Answer | BaseException = self._asked(store, question, options)
        except BaseException as error:
            result = error
        with self._turn:
            self._running.discard(question)
            self._turn.notify_all()
        question._finish(result)
        self.prepare(store)

    def _wait_for_turn(self, question: Question) -> None:
        with self._turn:
            try:
                while not question.cancelled and (self._queue[0] is not question or len(self._running) >= self.at_once):
                    self._turn.wait(0.5)
                    question.before = self._queue.index(question) + 1
            finally:
                self._queue.remove(question)
                self._turn.notify_all()
            question.before = 0
            if question.cancelled:
                raise Stopped("The query was cancelled before it began.")
            self._running.add(question)

    def _asked(self, store: Store, question: Question, options: dict[str, Any]) -> Answer:
        try:
            return self._asked_once(store, question, options)
        except Changed:  # a model was recorded anew or deleted while its files were read
            return self._asked_once(store, question, options)

    def _asked_once(self, store: Store, question: Question, options: dict[str, Any]) -> Answer:
        worker, reply = self._worker(store), None
        try:
            if not question._given_to(worker):
                raise Stopped("The query was cancelled before it began.")
            worker.ask(question.query, **options)
            reply = worker.answer(self.limits.seconds + GRACE)
        finally:
            self._leave(worker, question, reply)
        if question.cancelled:
            raise Stopped("The query was cancelled.")
        if reply is None:
            raise out_of_time(self.limits)
        header, body = reply
        if header.get("ended"):
            raise _ended(worker.process.returncode, self.limits)
        if (error := as_error(header, question.query, self.limits)) is not None:
            raise error
        return self._read(store, question.query, header, body)

    def _read(self, store: Store, query: str, header: dict[str, Any], body: bytes) -> Answer:
        try:
            with pa.ipc.open_stream(body) as stream:
                table = stream.read_all()
            table.validate(full=True)
        except pa.ArrowInvalid as error:
            raise Stopped("The answer could not be read; ask for other columns.") from error
        advice = "" if table.num_rows else hint(self._as_it_is(store)[0], query)
        return Answer(query, table, str(header["cut"]), float(header["seconds"]), self.limits, advice)

    # Workers

    def _leave(self, worker: Worker, question: Question, reply: tuple[dict[str, Any], bytes] | None) -> None:
        """Keep a worker that began nothing for the next; end any other."""
        with question._lock:
            question._worker = None
            unused = reply is not None and bool(reply[0].get("unused")) and not question.cancelled
        with self._turn:
            unused = unused and worker.alive and not self._closed and len(self._spares) < self.ahead
            if unused:
                self._spares.append(worker)
                self._turn.notify_all()
        if not unused:
            worker.end()

    def _worker(self, store: Store) -> Worker:
        """A ready worker that has opened the store as it is now: the one ahead, or a new one."""
        now = fingerprint(store.path)
        while True:
            with self._turn:
                while not self._spares and self._starting and not self._closed:
                    self._turn.wait(0.5)
                worker = self._spares.popleft() if self._spares else None
            if worker is None:
                break
            if worker.alive and worker.fingerprint == now:
                return worker
            worker.end()
        worker = Worker(*self._as_it_is(store), self.limits)
        worker.ready()
        return worker

    def _as_it_is(self, store: Store) -> tuple[Store, str]:
        """The store opened as it is now, with its fingerprint."""
        now = fingerprint(store.path)
        opened, known = self._opened.get(store.path, (store, ""))
        if known != now:
            opened = open_store(store.path)
            self._opened = {store.path: (opened, now)}
        return opened, now

    def _start_spare(self, store: Store) -> None:
        worker = None
        try:
            worker = Worker(*self._as_it_is(store), self.limits)
            worker.ready()
        except (StoreError, OSError):
            worker = None  # the next who asks gets the reason
        finally:
            with self._turn:
                self._starting -= 1
                if worker is not None and not self._closed:
                    self._spares.append(worker)
                    worker = None
                self._turn.notify_all()
            if worker is not None:
                worker.end()


def _ended(code: int | None, limits: Limits) -> Stopped:
    """Why a worker ended without an answer."""
    if code == script.MEMORY or code == -6:  # it ended itself, or a library gave up for want of memory
        return out_of_memory(limits)
    if code == -24 or code == -9:  # SIGXCPU, or the kill that follows it
        return out_of_time(limits)
    return Stopped(
        "The query ended the process that answered it, as some very long or deep ones do; the store is as it was. Ask "
        "something simpler."
    )
