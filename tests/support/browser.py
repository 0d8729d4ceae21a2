"""A real headless Chromium, driven over a pipe in the Chrome DevTools protocol: JSON messages that end in NUL."""
import json
import os
import select
import shutil
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
    """One page in a browser of its own.

        with Browser() as browser:
            browser.open("file:///tmp/report.html")
            browser.evaluate("document.title")

    `requests`: the address of everything that the page asked for. `errors`: what its console said, and its exceptions.
    """

    def __init__(self, seconds=25.0):
        self.requests = []
        self.errors = []
        self._deadline = time.monotonic() + seconds  # for everything: a test that hangs is a test that fails
        self._answers = {}
        self._loaded = False
        self._number = 0
        self._received = b""
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if program is None:
            raise BrowserError("no Chromium here; install it: apt-get install chromium (./bootstrap test does)")
        self._profile = tempfile.mkdtemp(prefix="mmsim-browser-")
        commands, self._commands = os.pipe()
        self._events, events = os.pipe()
        # The browser reads commands from descriptor 3 and answers on 4.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{commands} 4>&{events}', "sh", program, *_SWITCHES,
             f"--user-data-dir={self._profile}", "about:blank"],
            pass_fds=(commands, events), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(commands)
        os.close(events)
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._session = None
            self.call("Browser.close")
            self._process.wait(5)
        except (BrowserError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, 9)
            self._process.wait()
        os.close(self._commands)
        os.close(self._events)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method, **parameters):
        """One command of the protocol, and its result."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._commands, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise BrowserError(f"{method}: the browser has ended") from None
        while number not in self._answers:
            self._receive(method)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, address):
        """Goes to the address and returns when it is loaded."""
        self._loaded = False
        failure = self.call("Page.navigate", url=address).get("errorText")
        if failure:
            raise BrowserError(f"{address}: {failure}")
        while not self._loaded:
            self._receive(address)

    def evaluate(self, expression):
        """The value of a JavaScript expression on the page; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait_for(self, condition):
        """Until the expression is true."""
        while not self.evaluate(condition):
            self._remaining(f"waiting for {condition}")
            time.sleep(0.02)

    def _remaining(self, what):
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise BrowserError(f"{what}: took too long")
        return left

    def _receive(self, what):
        ready, _, _ = select.select([self._events], [], [], self._remaining(what))
        part = os.read(self._events, 1 << 20) if ready else b""
        if ready and not part:
            raise BrowserError(f"{what}: the browser has ended")
        *messages, self._received = (self._received + part).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self._event(message["method"], message["params"])

    def _event(self, method, parameters):
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(parameters["exceptionDetails"].get("exception", {}).get("description")
                                   or parameters["exceptionDetails"]["text"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(each.get("value", each.get("description"))) for each in parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.errors.append(parameters["entry"]["text"])
