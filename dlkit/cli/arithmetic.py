"""dlkit arithmetic: work out one layer by hand, without a recipe and without TensorFlow."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.cli._options import Json

if TYPE_CHECKING:
    from dlkit.analysis.by_hand import Window, WorkedLayer

app = typer.Typer(
    help="Work out one layer: output size, parameters, multiply-adds, receptive field.", no_args_is_help=True
)

Input = Annotated[str, typer.Option("--input", help="Input size in pixels: a number, or HxW.")]
Kernel = Annotated[str, typer.Option("--kernel", help="Kernel or window size: a number, or HxW.")]
Stride = Annotated[str, typer.Option("--stride", help="Step of the window: a number, or HxW.")]
Padding = Annotated[str, typer.Option("--padding", help="Zeros on each side: a number or HxW; or same, or valid.")]
Channels = Annotated[int, typer.Option("--channels", min=1, help="Channels of the input.")]
Filters = Annotated[int, typer.Option("--filters", min=1, help="Channels of the output.")]
NoBias = Annotated[bool, typer.Option("--no-bias", help="Omit the biases.")]
RoundDown = Annotated[
    bool, typer.Option("--round-down", help="Drop border pixels that do not fill a window, as Keras does.")
]
Inputs = Annotated[str, typer.Option("--input", help="Inputs: a number, or HxWxC for all values of an image.")]
Features = Annotated[int | None, typer.Option("--input", min=1, help="Inputs per step.")]
Units = Annotated[int, typer.Option("--units", min=1, help="Number of outputs.")]
Cells = Annotated[int | None, typer.Option("--units", min=1, help="Number of outputs.")]
StepNumbers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME=NUMBERS]...",
        help="Work out the steps with these numbers instead, such as inputs='1; -1'; `dlkit worked` lists the names.",
    ),
]
Steps = Annotated[int, typer.Option("--steps", min=1, help="Length of the sequence, for the multiply-adds.")]


@app.command()
def conv(
    size: Input,
    kernel: Kernel,
    channels: Channels = 1,
    filters: Filters = 1,
    stride: Stride = "1",
    padding: Padding = "0",
    dilation: Annotated[int, typer.Option("--dilation", min=1, help="Distance between a kernel's weights.")] = 1,
    groups: Annotated[int, typer.Option("--groups", min=1, help="Groups of filters, each with its own channels.")] = 1,
    no_bias: NoBias = False,
    round_down: RoundDown = False,
    as_json: Json = False,
) -> None:
    """Work out a convolution: (I - K + 2P)/S + 1 pixels, K*K*channels*filters + filters parameters."""
    from dlkit.analysis.by_hand import convolution

    window = _window(size, kernel, stride, padding, dilation)
    _show(convolution(window, channels, filters, groups, not no_bias, round_down), as_json)


@app.command()
def pool(
    size: Input,
    kernel: Kernel,
    channels: Channels = 1,
    stride: Annotated[str | None, typer.Option("--stride", help="Step of the window [default: its size].")] = None,
    padding: Padding = "0",
    round_down: RoundDown = False,
    as_json: Json = False,
) -> None:
    """Work out a pooling layer, which has no parameters and keeps the channels."""
    from dlkit.analysis.by_hand import pooling

    _show(pooling(_window(size, kernel, stride or kernel, padding), channels, round_down), as_json)


@app.command()
def transposed(
    size: Input,
    kernel: Kernel,
    channels: Channels = 1,
    filters: Filters = 1,
    stride: Stride = "1",
    padding: Padding = "0",
    no_bias: NoBias = False,
    as_json: Json = False,
) -> None:
    """Work out a transposed convolution: (I - 1)S + K - 2P pixels."""
    from dlkit.analysis.by_hand import transposed as work_out

    _show(work_out(_window(size, kernel, stride, padding), channels, filters, not no_bias), as_json)


@app.command()
def separable(
    size: Input,
    kernel: Kernel,
    channels: Channels = 1,
    filters: Filters = 1,
    stride: Stride = "1",
    padding: Padding = "0",
    dilation: Annotated[int, typer.Option("--dilation", min=1, help="Distance between a kernel's weights.")] = 1,
    multiplier: Annotated[int, typer.Option("--multiplier", min=1, help="Depthwise kernels per channel.")] = 1,
    no_bias: NoBias = False,
    round_down: RoundDown = False,
    as_json: Json = False,
) -> None:
    """Work out a depthwise separable convolution: K*K*channels + channels*filters + filters parameters."""
    from dlkit.analysis.by_hand import separable as work_out

    window = _window(size, kernel, stride, padding, dilation)
    _show(work_out(window, channels, filters, multiplier, not no_bias, round_down), as_json)


@app.command()
def atrous(
    size: Input,
    kernel: Kernel,
    rate: Annotated[int, typer.Option("--rate", "--dilation", min=1, help="Distance between a kernel's weights.")],
    channels: Channels = 1,
    filters: Filters = 1,
    stride: Stride = "1",
    padding: Padding = "same",
    no_bias: NoBias = False,
    round_down: RoundDown = False,
    as_json: Json = False,
) -> None:
    """Work out an atrous convolution: a kernel of K pixels spans rate*(K - 1) + 1, with no extra parameters."""
    from dlkit.analysis.by_hand import convolution

    window = _window(size, kernel, stride, padding, rate)
    _show(convolution(window, channels, filters, 1, not no_bias, round_down), as_json)


@app.command()
def dense(size: Inputs, units: Units, no_bias: NoBias = False, as_json: Json = False) -> None:
    """Work out a Dense layer: inputs*units + units parameters."""
    from dlkit.analysis.by_hand import dense as work_out

    _show(work_out(_numbers("--input", size), units, not no_bias), as_json)


@app.command()
def rnn(
    numbers: StepNumbers = None,
    size: Features = None,
    units: Cells = None,
    steps: Steps = 1,
    no_bias: NoBias = False,
    as_json: Json = False,
) -> None:
    """Work out a recurrent layer: h(x + h + 1) parameters, or its steps with numbers."""
    _recurrent("rnn", 1, numbers, size, units, steps, int(not no_bias), as_json)


@app.command()
def lstm(
    numbers: StepNumbers = None,
    size: Features = None,
    units: Cells = None,
    steps: Steps = 1,
    no_bias: NoBias = False,
    as_json: Json = False,
) -> None:
    """Work out an LSTM: 4h(x + h + 1) parameters, or all gates of its steps with numbers."""
    _recurrent("lstm", 4, numbers, size, units, steps, int(not no_bias), as_json)


@app.command()
def gru(
    numbers: StepNumbers = None,
    size: Features = None,
    units: Cells = None,
    steps: Steps = 1,
    reset_after: Annotated[
        bool, typer.Option("--reset-after/--no-reset-after", help="Two biases per unit, as in Keras' default.")
    ] = True,
    no_bias: NoBias = False,
    as_json: Json = False,
) -> None:
    """Work out a GRU: 3h(x + h + 2) parameters, or all gates of its steps with numbers.

    It has 3h(x + h + 1) parameters when it resets before the multiplication.
    """
    _recurrent("gru", 3, numbers, size, units, steps, 0 if no_bias else 2 if reset_after else 1, as_json)


def _recurrent(
    kind: str,
    gates: int,
    numbers: list[str] | None,
    size: int | None,
    units: int | None,
    steps: int,
    biases: int,
    as_json: bool,
) -> None:
    """Show a recurrent layer by its sizes, or step by step with numbers, as `dlkit worked` does."""
    from dlkit.analysis.by_hand import recurrent
    from dlkit.cli.worked import worked
    from dlkit.errors import InputError

    if numbers and (size or units):
        raise InputError(
            "numbers of steps are given with --input or --units", "the numbers say both: give one or other"
        )
    if numbers:
        worked(kind, numbers, as_json=as_json)
    elif size is None or units is None:
        raise InputError(
            f"arithmetic {kind} needs --input and --units, or numbers",
            f"such as --input 28 --units 128, or inputs='1; -1'; `dlkit worked {kind}` shows a whole example",
        )
    else:
        _show(recurrent(kind, gates, size, units, steps, biases), as_json)


def _window(size: str, kernel: str, stride: str, padding: str, dilation: int = 1) -> "Window":
    """Return the window that the options describe, where one number stands for both dimensions."""
    from dlkit.analysis.by_hand import Window

    read = {"--input": size, "--kernel": kernel, "--stride": stride}
    pairs = {option: _pair(option, _numbers(option, text)) for option, text in read.items()}
    zeros: tuple[str | int, ...] = (padding, padding)
    if padding not in ("same", "valid"):
        zeros = _pair("--padding", _numbers("--padding", padding, least=0))
    return Window(pairs["--input"], pairs["--kernel"], pairs["--stride"], zeros, dilation)


def _pair(option: str, numbers: tuple[int, ...]) -> tuple[int, ...]:
    from dlkit.errors import InputError

    if len(numbers) > 2:
        raise InputError(
            f"{option} has {len(numbers)} numbers", "give one number, or HxW; set channels with --channels"
        )
    return numbers if len(numbers) == 2 else numbers * 2


def _numbers(option: str, text: str, least: int = 1) -> tuple[int, ...]:
    """Return the whole numbers in a text such as `227` or `64x48`."""
    from dlkit.errors import InputError

    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdigit() and least <= int(part) <= 10**9 for part in parts):
        words = ", same or valid" if option == "--padding" else ""
        raise InputError(f"{option} {text!r} is not a size", f"give a whole number of at least {least}, or HxW{words}")
    return tuple(map(int, parts))


def _show(worked: "WorkedLayer", as_json: bool) -> None:
    from dlkit import console

    if as_json:
        console.print_json(worked.to_json())
    else:
        console.show_worked(worked)
