"""A real headless Chromium, driven over a pipe in the Chrome DevTools protocol: JSON messages that end in NUL."""
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAMS = ("chromium", "chromium-headless-shell")
_SWITCHES = (
    "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-extensions", "--disable-default-apps", "--mute-audio", "--hide-scrollbars",
)


class BrowserError(Exception):
    pass


class Browser:
    """A browser with an empty profile of its own.

        with Browser() as browser:
            page = browser.page()
            page.open("file:///tmp/report.html")
            page.evaluate("document.title")
    """

    def __init__(self, seconds=90.0):
        self._deadline = time.monotonic() + seconds  # for everything: a test that hangs is a test that fails
        self._answers = {}
        self._pages = {}  # by session
        self._number = 0
        self._received = b""
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if program is None:
            raise BrowserError("no Chromium here; install it: apt-get install chromium (./bootstrap test does)")
        self._profile = tempfile.mkdtemp(prefix="mmsim-browser-")
        commands, self._commands = os.pipe()
        self._events, events = os.pipe()
        # The browser reads commands from descriptor 3 and answers on 4. (dash knows no descriptors of two digits.)
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" 3<&{commands} 4>&{events}', "bash", program, *_SWITCHES,
             f"--user-data-dir={self._profile}", "about:blank"],
            pass_fds=(commands, events), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(commands)
        os.close(events)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.call("Browser.close")
            self._process.wait(5)
        except (BrowserError, subprocess.TimeoutExpired):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._commands)
        os.close(self._events)
        shutil.rmtree(self._profile, ignore_errors=True)

    def page(self):
        """A new, empty page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._pages[session] = Page(self, session)
        return self._pages[session]

    def call(self, method, session=None, **parameters):
        """One command of the protocol, and its result."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._commands, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise BrowserError(f"{method}: the browser has ended") from None
        while number not in self._answers:
            self.receive(method)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def remaining(self, what):
        """Seconds until the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise BrowserError(f"{what}: took too long")
        return left

    def receive(self, what):
        """Waits for the browser's next messages and hands them on."""
        ready, _, _ = select.select([self._events], [], [], self.remaining(what))
        part = os.read(self._events, 1 << 20) if ready else b""
        if ready and not part:
            raise BrowserError(f"{what}: the browser has ended")
        *messages, self._received = (self._received + part).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            elif message.get("sessionId") in self._pages:
                self._pages[message["sessionId"]].event(message["method"], message["params"])


class Page:
    """`requests`: the address of everything that the page asked for. `errors`: what its console said, and its
    exceptions."""

    def __init__(self, browser, session):
        self.requests = []
        self.errors = []
        self._browser = browser
        self._session = session
        self._loaded = False
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """One command of the protocol to this page, and its result."""
        return self._browser.call(method, self._session, **parameters)

    def open(self, address):
        """Goes to the address and returns when it is loaded."""
        self._loaded = False
        failure = self.call("Page.navigate", url=address).get("errorText")
        if failure:
            raise BrowserError(f"{address}: {failure}")
        while not self._loaded:
            self._browser.receive(address)

    def evaluate(self, expression):
        """The value of a JavaScript expression on the page; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait_for(self, condition):
        """Until the expression is true."""
        while not self.evaluate(condition):
            self._browser.remaining(f"waiting for {condition}")
            time.sleep(0.02)

    def event(self, method, parameters):
        """What the browser says of this page."""
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description") or details["text"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(each.get("value", each.get("description"))) for each in parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.errors.append(parameters["entry"]["text"])
