"""What the calling code calls an object is found without keeping or changing anything of it."""

import gc
import types
import weakref

from autotrack.hooks import calling_module, names_in_callers


def module_function(name, source):
    """A function `outer` of a module of its own, as code of a library or of a user is."""
    module = types.ModuleType(name)
    exec(source, vars(module))
    return module.outer


def names(objects):
    return list(names_in_callers(objects, ("some_library",)))


def test_names_come_from_the_inside_out():
    def inner(y):
        return names([y, 5])

    def outer():
        y_test = [1]
        return inner(y_test)

    found = [of_frame[0] for of_frame in outer()]
    assert found.index("y") < found.index("y_test")


def test_frames_of_passed_over_packages_are_not_asked():
    source = "def outer(call, inside_of_it):\n    return call([inside_of_it])\n"
    passes_on = module_function("some_library.part", source)
    y_test = [1]
    found = [of_frame[0] for of_frame in passes_on(names, y_test)]
    assert "inside_of_it" not in found
    assert "y_test" in found


def test_nearest_module_that_is_not_passed_over_is_told():
    source = "def outer(call, skip):\n    return call(skip)\n"
    inner = module_function("some_library.part", source)
    assert inner(calling_module, ()) == "some_library.part"
    assert inner(calling_module, ("some_library.part",)) == __name__


def test_locals_held_by_the_user_are_not_emptied():
    def caller():
        y_test = [1]
        held = locals()
        names([y_test])
        return held

    assert caller()["y_test"] == [1]


def test_locals_are_not_kept_alive():
    class Data:
        pass

    y_test = Data()
    gone = weakref.ref(y_test)
    assert any("y_test" in of_frame for of_frame in names([y_test]))
    del y_test
    gc.collect()
    assert gone() is None
