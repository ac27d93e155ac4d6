"""Convert VOCA's published TensorFlow checkpoint to the file that `VocaNetwork.load` reads.

    python -m tools.voca.convert path/to/gstep_52280.model voca.npz

Needs the tensorflow package (any 1.x or 2.x) for reading the checkpoint, and nothing of VOCA's code.
Weights keep their TensorFlow names. See docs/voca.md for where the checkpoint comes from and what its
licence allows.
"""

from pathlib import Path

import click
import numpy as np

from likeness.errors import InputError, MachineError
from likeness.speech.voca import VARIABLES, VocaNetwork


@click.command()
@click.argument("checkpoint")
@click.argument("output", type=click.Path(path_type=Path))
def convert(checkpoint: str, output: Path) -> None:
    """Read CHECKPOINT (the name without .index, .meta or .data-...) and write OUTPUT (.npz)."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MachineError("reading the checkpoint needs tensorflow: `pip install tensorflow-cpu`") from error
    if not Path(f"{checkpoint}.index").is_file():
        raise InputError(f"{checkpoint}.index does not exist: give the checkpoint's name without its ending")
    reader = tf.train.load_checkpoint(checkpoint)
    available = set(reader.get_variable_to_shape_map())
    missing = sorted(set(VARIABLES) - available)
    if missing:
        raise InputError(f"{checkpoint} lacks {', '.join(missing)}: it is not VOCA's checkpoint")
    variables = {name: np.asarray(reader.get_tensor(name), np.float32) for name in VARIABLES}
    VocaNetwork(variables)
    np.savez(output, **variables)
    click.echo(f"{output}: {sum(v.size for v in variables.values()):,} numbers in {len(variables)} variables")


if __name__ == "__main__":
    convert()
