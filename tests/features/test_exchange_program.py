"""The whole program with an account on an Exchange: its gate, its outbox, its watch and the sizes the server knows."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exchangelib import Message
from exchangelib.errors import EWSError

from sendguard.bootstrap.doctor import Standing, send_paths
from sendguard.bootstrap.program import Program
from sendguard.bootstrap.screen import services_of
from sendguard.desktop.services import PathState
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.ports import Answer
from sendguard.mail.submission import Hook
from sendguard.storage.files import save_accounts
from sendguard.storage.places import Places
from sendguard.storage.secret import SessionSecrets
from tests.adapters.ews_rig import ExchangeProgram, boxes
from tests.fakes import FakeAsker
from tests.servers.exchange import Exchange
from tests.servers.exchange.site import Person
from tests.servers.processes import wait_until


class Here:
    """A person with SendGuard in front of their Exchange, and a mail program that sends through the gate."""

    def __init__(self, server: Exchange, folder: Path) -> None:
        self.server = server
        self.me: Person = server.new_person()
        exchange = ExchangeServer(server.url, Login.BASIC, self.me.address)
        self.account = Account("work", (self.me.address,), exchange=exchange, ews_gate_port=choose_port())
        places = Places.under(folder).make()
        save_accounts(places.accounts, (self.account,))
        self.asker = FakeAsker()
        self.program = Program(places, SessionSecrets(work=self.me.password), self.asker)
        self.services = services_of(self.program)
        gate = f"http://127.0.0.1:{self.account.ews_gate_port}/EWS/Exchange.asmx"
        self.client = ExchangeProgram(server, self.me, gate)

    def send(self, *recipients: str) -> None:
        Message(account=self.client.box, subject="Lunch", body="Hi", to_recipients=boxes(*recipients)).send()

    def close(self) -> None:
        self.program.stop()
        self.client.close()


@pytest.fixture
def here(new_exchange: Callable[..., Exchange], tmp_path: Path) -> Iterator[Here]:
    here = Here(new_exchange(), tmp_path)
    here.program.start()
    yield here
    here.close()


def test_each_path_of_an_exchange_account_works_and_says_what_it_does(here: Here) -> None:
    wait_until(lambda: all(path.state is PathState.WORKING for path in here.services.paths()), "paths that work")
    paths = {path.hook: path for path in here.services.paths()}
    assert {hook: path.blocks for hook, path in paths.items()} == {
        Hook.EWS_GATE: True,
        Hook.EWS_OUTBOX: True,
        Hook.EWS_DRAFTS: False,
    }
    assert paths[Hook.EWS_GATE].place == f"127.0.0.1:{here.account.ews_gate_port}"
    assert paths[Hook.EWS_OUTBOX].place == "Guarded Outbox"


def test_the_size_of_a_list_comes_from_exchange_and_a_message_to_it_waits(here: Here) -> None:
    everybody = here.server.new_list(members=["a@x.test"], total=850_112)
    with pytest.raises(EWSError, match="did not send"):
        wait_until(lambda: _answering(here, everybody.address, Answer.DONT_SEND), "refusal")
    assert not here.server.submitted
    shown = here.asker.history[0].judgement
    assert shown.audience.count.high == 850_112
    assert shown.audience.parts[0].count.source == "Exchange"


def _answering(here: Here, recipient: str, answer: Answer) -> bool:
    import threading

    def person() -> None:
        question = here.asker.question()
        here.program.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)

    thread = threading.Thread(target=person)
    thread.start()
    try:
        here.send(recipient)
    finally:
        thread.join()
    return True


def test_a_message_to_a_colleague_passes_at_once(here: Here) -> None:
    colleague = here.server.new_person("colleague")
    here.send(colleague.address)
    assert len(here.server.messages(colleague)) == 1
    assert here.asker.history == []


def test_the_doctor_names_the_paths_of_an_exchange_account(here: Here, tmp_path: Path) -> None:
    found = {path.what: path.standing for path in send_paths((here.account,), tmp_path)}
    assert found["Exchange gate of {name}"] is Standing.GUARDED
    assert found["Guarded outbox of {name}"] is Standing.GUARDED
    assert found["Drafts of {name}"] is Standing.WARNED


def test_nothing_of_exchangelib_is_imported_where_no_account_is_on_an_exchange(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sendguard.bootstrap.program import Program;"
        "from sendguard.storage.places import Places; from sendguard.storage.secret import SessionSecrets;"
        "from sendguard.bootstrap.screen import services_of; from tests.fakes import FakeAsker;"
        "program = Program(Places.under(Path(sys.argv[1])), SessionSecrets(), FakeAsker());"
        "services_of(program); program.start(); program.stop();"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'exchangelib', 'lxml', 'requests', 'msal'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=50, check=True
    )
    assert done.stdout.strip() == "[]"


WHERE_IMPORTED = """
import builtins, os, signal, sys, threading
from pathlib import Path

class Noting:
    def find_spec(self, name, path=None, target=None):
        if name in ("exchangelib", "lxml", "requests") and name not in seen:
            seen[name] = threading.current_thread() is threading.main_thread()
            if name == "exchangelib":
                threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()

seen = {}
sys.meta_path.insert(0, Noting())
from sendguard.bootstrap.screen import run_with_accounts
from sendguard.storage.places import Places
run_with_accounts(Places.under(Path(sys.argv[1])))
print(sorted(seen), any(seen.values()))
"""


def test_exchangelib_is_imported_off_the_main_thread(exchange: Exchange, tmp_path: Path) -> None:
    """It takes a second, in which no window would answer."""
    server = ExchangeServer(exchange.url, Login.BASIC)
    places = Places.under(tmp_path).make()
    account = Account("work", ("me@x.test",), exchange=server, ews_gate_port=choose_port())
    save_accounts(places.accounts, (account,))
    done = subprocess.run(
        [sys.executable, "-c", WHERE_IMPORTED, str(tmp_path)],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.stdout.strip() == "['exchangelib', 'lxml', 'requests'] False", done.stderr
