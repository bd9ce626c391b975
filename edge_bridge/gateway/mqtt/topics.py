"""Which topics the terminals use: cloudmining/<edge>/<terminal>/<what>, the payload a message of the protocol."""

from dataclasses import dataclass

from edge_bridge.protocol import MAX_NAME_CHARS

ROOT = "cloudmining"
FROM_TERMINAL = ("birth", "readings", "command/result", "death")
TAKEN, COMMAND, DEATH = "taken", "command", "death"
TO_TERMINAL = (TAKEN, COMMAND)


@dataclass(frozen=True, slots=True)
class Topics:
    edge: str

    def of(self, terminal: str, what: str) -> str:
        return f"{ROOT}/{self.edge}/{terminal}/{what}"

    def read(self, topic: str) -> tuple[str, str] | None:
        """The terminal and what it says; None for a topic that is none of a terminal's to this edge."""
        prefix = f"{ROOT}/{self.edge}/"
        terminal, _, what = topic.removeprefix(prefix).partition("/")
        return (terminal, what) if topic.startswith(prefix) and is_level(terminal) and what in FROM_TERMINAL else None


def is_level(name: str) -> bool:
    """Whether it is a name as messages have them, and can be one level of a topic."""
    is_name = 0 < len(name) <= MAX_NAME_CHARS and name.isprintable() and name == name.strip()
    return is_name and not set(name) & set("/+#")


def matches(pattern: str, topic: str) -> bool:
    """Whether a subscription covers a topic (MQTT 5.0, section 4.7)."""
    levels = topic.split("/")
    for index, part in enumerate(pattern.split("/")):
        if part == "#":
            return True
        if index >= len(levels) or part not in ("+", levels[index]):
            return False
    return len(pattern.split("/")) == len(levels)
