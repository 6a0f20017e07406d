"""PyTorch as a `rnnstore.networks.arrays.Namespace`."""

import torch


class Torch:
    tanh = staticmethod(torch.tanh)
    sigmoid = staticmethod(torch.sigmoid)
    exp = staticmethod(torch.exp)
    log = staticmethod(torch.log)
    sqrt = staticmethod(torch.sqrt)
    softplus = staticmethod(torch.nn.functional.softplus)
    maximum = staticmethod(torch.maximum)
    where = staticmethod(torch.where)
    sum = staticmethod(torch.sum)
    reshape = staticmethod(torch.reshape)
    transpose = staticmethod(torch.t)

    @staticmethod
    def split(x, parts):
        return torch.chunk(x, parts, dim=-1)

    @staticmethod
    def concat(arrays):
        return torch.cat(list(arrays), dim=-1)


TORCH = Torch()
