"""dlkit attack refuses options that its method does not read."""

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "fgsm", "--generations", "5"], "--generations is of --method pixels, not of fgsm"),
        (["--method", "pgd", "--pixels", "1"], "--pixels is of --method pixels, not of pgd"),
        (["--method", "fgsm", "--steps", "10"], "--steps is of --method pgd, not of fgsm"),
        (["--epsilon", "8"], "--epsilon is of --method fgsm and pgd, not of pixels"),
    ],
)
def test_an_option_of_another_method_is_refused_even_with_its_default(dlkit, options, message):
    done = dlkit("attack", "nothing", *options)
    assert done.code == 2
    assert message in done.error


def test_an_option_of_the_method_is_accepted(dlkit):
    assert "there is no run" in dlkit("attack", "nothing", "--method", "pgd", "--epsilon", "8", "--steps", "3").error
