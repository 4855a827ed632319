"""numpy, imported when the first array is made: most policies need none, and it takes an eighth of a start and 8 MB."""

from typing import TYPE_CHECKING, Any

__all__ = ["Flags", "Vector", "np"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.floating]
    Flags = NDArray[np.bool_]
else:
    Vector = Flags = Any

    class _Numpy:
        """The module, an attribute at a time: what was asked for once is found at once."""

        def __getattr__(self, name: str) -> Any:
            import numpy  # noqa: ICN001, PLC0415  what all this is for

            value = self.__dict__[name] = getattr(numpy, name)
            return value

    np = _Numpy()
