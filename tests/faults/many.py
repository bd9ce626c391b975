"""Many terminals with labelled faults at two gateways: what follows is told by the truth file, not by a recording."""

import time

from tests.faults.matrix import fault
from tests.faults.mine import Mine


@fault(stage=Mine, districts=2, speed=150.0, patience_s=30.0)
def many_terminals_in_brief(mine: Mine) -> str:
    """Sixteen terminals with thirteen kinds of fault, while a gateway is killed and the links are cut."""
    mine.play((1.0, lambda: killed(mine, 0)), (2.5, lambda: links_cut(mine)))
    return mine.check()


@fault(stage=Mine, districts=6, speed=15.0, patience_s=5.0, is_undisturbed=True)
def many_terminals(mine: Mine) -> str:
    """48 terminals of two sites with thirteen kinds of fault, as their truth file tells; nothing else goes wrong."""
    mine.play()
    return mine.check()


@fault(stage=Mine, districts=6, speed=15.0, patience_s=5.0)
def many_terminals_while_all_is_killed(mine: Mine) -> str:
    """The same, while both gateways and the web process are killed twice and the links are cut and dead for seconds."""
    mine.play(
        (5, lambda: killed(mine, 0)),
        (9, lambda: web_killed(mine)),
        (14, lambda: links_cut(mine)),
        (19, lambda: killed(mine, 1)),
        (22, lambda: links_dead(mine)),
        (28, lambda: web_killed(mine)),
        (32, lambda: killed(mine, 1)),
        (34, lambda: killed(mine, 0)),
    )
    return mine.check()


def killed(mine: Mine, number: int) -> None:
    mine.edges[number].kill()
    mine.edges[number].start()


def web_killed(mine: Mine) -> None:
    mine.web.kill()
    mine.web.restart()


def links_cut(mine: Mine) -> None:
    """Of the gateways and of the people, for two seconds."""
    for link in (mine.link, mine.people):
        link.cut()
    time.sleep(2.0)
    for link in (mine.link, mine.people):
        link.restore()


def links_dead(mine: Mine) -> None:
    """The same, without that a connection ends."""
    for link in (mine.link, mine.people):
        link.hold("request", "answer")
    time.sleep(4.0)
    for link in (mine.link, mine.people):
        link.release()
