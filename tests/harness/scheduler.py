"""A deterministic scheduler: the same threads, interleaved in every possible way.

A play is a function that starts threads (greenlets: one runs at a time, and hands over only at a
step that others can notice) and checks at the end what they did. `explore` plays it again and
again, with another choice each time, until there is no other: depth first, with at most so many
preemptions (a thread that could go on has to wait). A failure names its choices, and `replay` plays
them again.
"""

from collections.abc import Callable, Iterator

from greenlet import GreenletExit, getcurrent, greenlet


class Failed(AssertionError):
    """A schedule after which something was wrong; `choices` is the schedule."""

    def __init__(self, choices: list[int], trace: list[str], error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}\nchoices {choices}\n" + "\n".join(trace))
        self.choices = choices


class Deadlock(AssertionError):
    """Threads are left that nobody will wake."""


class Simulated:
    """One simulated thread."""

    def __init__(self, scheduler: "Scheduler", name: str, run: Callable[[], object]) -> None:
        self.name = name
        self.is_blocked = False
        self.is_done = False
        self.error: BaseException | None = None
        self._run = run
        self.greenlet = greenlet(self._main, scheduler.home)

    def _main(self) -> None:
        try:
            self._run()
        except GreenletExit:
            pass
        except BaseException as error:
            self.error = error
        self.is_done = True


class Scheduler:
    """One schedule of one play."""

    def __init__(self, choices: list[int], preemptions: int) -> None:
        self._choices = choices
        self._preemptions = preemptions
        self.home = getcurrent()
        self.threads: list[Simulated] = []
        self.current: Simulated | None = None
        #: At each step: how many threads could go on, and which was chosen.
        self.trail: list[tuple[int, int]] = []
        self.trace: list[str] = []
        self.is_over = False

    def start(self, name: str, run: Callable[[], object]) -> Simulated:
        """A new thread, which may run from now on."""
        thread = Simulated(self, name, run)
        self.threads.append(thread)
        return thread

    def step(self, what: str) -> None:
        """The current thread is about to do something that others can notice."""
        self._hand_over()
        if self.current:
            self.trace.append(f"  {self.current.name}: {what}")

    def block(self) -> None:
        """The current thread sleeps until somebody sets its is_blocked to False."""
        assert self.current
        self.current.is_blocked = True
        self._hand_over()

    def _hand_over(self) -> None:
        if getcurrent() is self.home:
            return  # the play is being set up, or is over
        self.home.switch()
        if self.is_over:
            raise GreenletExit

    def run(self) -> list[Simulated]:
        """Let all threads run, until none can; return those that sleep."""
        while True:
            ready = [each for each in self.threads if not (each.is_blocked or each.is_done)]
            if not ready:
                return [each for each in self.threads if not each.is_done]
            if self.current in ready:  # first: to go on is no preemption
                ready.remove(self.current)
                ready.insert(0, self.current)
                if self._preemptions == 0:
                    del ready[1:]
            chosen = 0
            if len(ready) > 1:
                if len(self.trail) < len(self._choices):
                    chosen = self._choices[len(self.trail)]
                self.trail.append((len(ready), chosen))
                if chosen and ready[0] is self.current:
                    self._preemptions -= 1
            self.current = ready[chosen]
            self.current.greenlet.switch()
            if self.current.error:
                raise self.current.error

    def end(self) -> None:
        """End all threads that are left."""
        self.is_over = True
        for each in self.threads:
            if not each.is_done:
                each.greenlet.throw(GreenletExit)


Play = Callable[[Scheduler], Callable[[list[Simulated]], None]]


def replay(play: Play, choices: list[int], preemptions: int) -> list[tuple[int, int]]:
    """Play one schedule; return its trail. Raises Failed."""
    scheduler = Scheduler(choices, preemptions)
    try:
        check = play(scheduler)
        check(scheduler.run())
    except Exception as error:
        chosen = [choice for _, choice in scheduler.trail]
        raise Failed(chosen, scheduler.trace, error) from error
    finally:
        scheduler.end()
    return scheduler.trail


def schedules(play: Play, preemptions: int) -> Iterator[list[int]]:
    """Play every schedule with at most so many preemptions; yield the choices of each."""
    choices: list[int] = []
    while True:
        trail = replay(play, choices, preemptions)
        yield [choice for _, choice in trail]
        while trail and trail[-1][1] + 1 == trail[-1][0]:
            trail.pop()
        if not trail:
            return
        choices = [choice for _, choice in trail]
        choices[-1] += 1


def explore(play: Play, preemptions: int, most: int) -> int:
    """Play every schedule with at most so many preemptions; return how many there were.

    Raises Failed for the first that is wrong, and RuntimeError if there are more than `most`.
    """
    count = 0
    for count, _ in enumerate(schedules(play, preemptions), 1):
        if count > most:
            raise RuntimeError(f"more than {most} schedules")
    return count
