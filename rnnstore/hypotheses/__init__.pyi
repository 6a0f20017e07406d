from .testing import test as test
