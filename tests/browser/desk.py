"""A person at a browser: what tests do there over and over."""

from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Route, expect

# A machine with other work to do is slow, which is no failure.
PATIENCE_MS = 60_000
# What the browser itself says of a server that is away; everything else is a complaint.
EXPECTED_COMPLAINTS = ("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE")

# Once the window has its width and was drawn anew; a picture of each would cost a second of computing.
NEEDED_WIDTH = """async width => {
  const drawn = () => new Promise(requestAnimationFrame);
  while (innerWidth !== width) await drawn();
  await drawn();
  await drawn();
  return document.documentElement.scrollWidth;
}"""


class Desk:
    """One browser context with one page. `complaints` are errors of scripts and of the content policy."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def live(self) -> "Desk":
        """On the console, following the feed, and marked so that a reload would show."""
        self.page.goto("/")
        self.expect_link("Live")
        self.page.evaluate("window.marked = true")
        return self

    def expect_link(self, words: str) -> None:
        expect(self.page.locator("#connection")).to_have_text(words)

    def was_not_reloaded(self) -> bool:
        return bool(self.page.evaluate("window.marked === true"))

    def expect_to_fit(self, picture: Path, *sizes: tuple[int, int]) -> None:
        """The page, loaded once, in windows of those widths and heights. What does not fit leaves its picture."""
        for width, height in sizes:
            self.page.set_viewport_size({"width": width, "height": height})
            needed = self.page.evaluate(NEEDED_WIDTH, width)
            if needed > width:
                self.page.screenshot(path=f"{picture}-{width}.png", full_page=True)
            assert needed <= width, f"{self.page.url} needs {needed} of {width}: {picture}-{width}.png"

    def panel(self, name: str) -> Locator:
        return self.page.locator(f"#panel-{name}")

    def press(self, name: str, *, exact: bool = False) -> None:
        self.page.get_by_role("button", name=name, exact=exact).click()

    def hold(self, pattern: str) -> list[Route]:
        """Requests to such addresses wait in the list, until `let_go`."""
        held: list[Route] = []
        # Not the bare method: Playwright marks what it calls.
        self.page.route(pattern, lambda route: held.append(route))
        return held

    def let_go(self, pattern: str, held: list[Route]) -> None:
        """Wait for a request that is held, and see it answered; later ones are not held."""
        while not held:
            self.page.wait_for_timeout(20)
        with self.page.expect_response(pattern):
            held.pop().continue_()
        self.page.unroute(pattern)

    def _listen(self, message: ConsoleMessage) -> None:
        known = any(words in message.text for words in EXPECTED_COMPLAINTS)
        if message.type == "error" and not known:
            self.complaints.append(message.text)
