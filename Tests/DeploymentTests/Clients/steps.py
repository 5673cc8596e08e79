"""Steps of a conversation with Herald: one line each, and the end at the first that fails."""

import contextlib
import functools
import inspect
import sys
import traceback


@contextlib.contextmanager
def step(sentence):
    """Prints the sentence when its block has run; else prints it with the traceback, and ends the program."""
    try:
        yield
    except Exception:
        print(f"FAILED  {sentence}\n{traceback.format_exc()}", flush=True)
        sys.exit(1)
    print(f"ok      {sentence}", flush=True)


@contextlib.contextmanager
def raises(kind):
    """Asserts that its block raises an exception of the kind."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"no {kind.__name__} was raised")


def equal(found, wanted):
    assert found == wanted, f"{found!r} instead of {wanted!r}"


class Calls:
    """Counts which of a client's public calls were made, so that none is missing when the client learns a new one."""

    def __init__(self):
        self.made = {}

    def watch(self, place):
        """Counts calls of what a class or a module defines itself and calls public."""
        for name, thing in list(vars(place).items()):
            label = f"{place.__name__.rpartition('.')[2]}.{name}"
            if name.startswith("_"):
                continue
            if inspect.isfunction(thing) and thing.__module__ == getattr(place, "__module__", place.__name__):
                self.made[label] = 0
                setattr(place, name, self.counted(label, thing))
            elif isinstance(thing, property):
                self.made[label] = 0
                setattr(place, name, property(self.counted(label, thing.fget), thing.fset))

    def counted(self, label, function):
        @functools.wraps(function)
        def call(*arguments, **named):
            self.made[label] += 1
            return function(*arguments, **named)

        return call

    def check(self, left_out):
        """Asserts that every call was made but those left out, each with its reason, and that these were not."""
        for reason in sorted(set(left_out.values())):
            labels = [label for label in left_out if left_out[label] == reason]
            print(f"left out, {reason}: {', '.join(labels)}", flush=True)
        missing = [label for label, count in self.made.items() if count == 0 and label not in left_out]
        assert not missing, f"never called: {', '.join(missing)}"
        wrong = [label for label in left_out if self.made.get(label, 1) > 0]
        assert not wrong, f"left out, but unknown or called: {', '.join(wrong)}"
        print(f"{sum(count > 0 for count in self.made.values())} of {len(self.made)} calls made", flush=True)
