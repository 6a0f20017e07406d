"""The truth beside a recording from PyTorch: every layer computed step by step by its documented equations, in
float64."""

import torch
from torch import nn


def stepped(module, x, before=None):
    """Every state and gate of a recurrent module over one sequence x [steps, inputs], float64[steps, width] by the
    names of a recording behind the module's own."""
    found, below = {}, x.double()
    directions = 2 if module.bidirectional else 1
    for layer in range(module.num_layers):
        both = []
        for direction in range(directions):
            end = f"_l{layer}" + ("_reverse" if direction else "")
            at = layer * directions + direction
            state = None if before is None else [each[at].double() for each in before]
            read = below.flip(0) if direction else below
            series = one_layer(module, end, read, state)
            series = {name: values.flip(0) if direction else values for name, values in series.items()}
            way = ("forward.", "backward.")[direction] if directions == 2 else ""
            found |= {f"layer{layer + 1}.{way}{name}": values for name, values in series.items()}
            both.append(series["h"])
        below = torch.cat(both, dim=1)
    return {name: values.numpy() for name, values in found.items()}


def one_layer(module, end, x, state=None):
    weight = {
        name: getattr(module, name + end).detach().double()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        if hasattr(module, name + end)
    }
    gates, units = weight["weight_ih"].shape[0], module.hidden_size
    into = weight.get("bias_ih", torch.zeros(gates).double())
    within = weight.get("bias_hh", torch.zeros(gates).double())
    width = getattr(module, "proj_size", 0) or units
    h = torch.zeros(width).double() if state is None else state[0]
    c = torch.zeros(units).double() if state is None or len(state) < 2 else state[1]
    steps = []
    for value in x:
        a, b = weight["weight_ih"] @ value + into, weight["weight_hh"] @ h + within
        if isinstance(module, nn.LSTM):
            i, f, g, o = (a + b).chunk(4)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            c = f * c + i * g
            h = o * c.tanh()
            h = weight["weight_hr"] @ h if "weight_hr" in weight else h
            steps.append({"c": c, "h": h, "i": i, "f": f, "g": g, "o": o})
        elif isinstance(module, nn.GRU):
            (ar, az, an), (br, bz, bn) = a.chunk(3), b.chunk(3)
            r, z = (ar + br).sigmoid(), (az + bz).sigmoid()
            n = (an + r * bn).tanh()
            h = (1 - z) * n + z * h
            steps.append({"h": h, "z": z, "r": r, "g": n})
        else:
            h = (a + b).tanh() if module.nonlinearity == "tanh" else (a + b).relu()
            steps.append({"h": h})
    return {name: torch.stack([step[name] for step in steps]) for name in steps[0]}
