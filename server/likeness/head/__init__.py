"""What a face is: FLAME-format models, controls, rigs, glTF."""
