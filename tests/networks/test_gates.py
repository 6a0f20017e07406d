"""What a recording's series are by its cell's word, or by their letters where the cell is not known."""

from rnnstore.networks.gates import cell_label, gate_of, keeping_gates, without_gates


def test_a_gate_is_what_the_cell_of_the_card_calls_one():
    assert gate_of("layer1.f", "lstm").label == "forget gate"
    assert gate_of("layer1.z", "lstm") is None
    assert (gate_of("layer1.z", "gru").keeps, gate_of("layer1.z", "gru").label) == ("h", "update gate")
    assert gate_of("layer1.z2", "nested-lstm").activation != "sigmoid"
    assert gate_of("layer2.f3", "nested-lstm").keeps == "c3"
    assert gate_of("layer2.r", "lstm + gru").label == "reset gate"
    assert gate_of("layer1.h", "gru") is None and gate_of("layer1.i", "vanilla") is None


def test_without_a_known_cell_letters_tell():
    assert (gate_of("z").label, gate_of("layer3.z2", "mine").label) == ("update gate", "update gate 2")
    assert gate_of("encoder.o", "LSTM of PyTorch").label == "output gate"
    assert gate_of("layer1.h") is None and gate_of("layer1.c") is None and gate_of("ssm.real") is None


def test_the_gate_that_keeps_a_state_is_found():
    assert keeping_gates(["layer1.i", "layer1.f", "layer2.f"]) == {"layer1.c": "layer1.f", "layer2.c": "layer2.f"}
    assert keeping_gates(["layer1.z", "layer1.r"]) == {"layer1.h": "layer1.z"}
    assert keeping_gates(["layer1.f1", "layer1.f2"]) == {"layer1.c1": "layer1.f1", "layer1.c2": "layer1.f2"}
    assert keeping_gates(["layer1.z1", "layer1.f1"], "nested-lstm") == {"layer1.c1": "layer1.f1"}


def test_a_cell_is_written_as_it_is_called():
    assert (cell_label("lstm"), cell_label("gru + vanilla"), cell_label("my own")) == (
        "LSTM",
        "GRU + vanilla",
        "my own",
    )
    assert (without_gates("vanilla"), without_gates("gru"), without_gates("my own")) == (True, False, False)
