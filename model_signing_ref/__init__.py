"""OpenSSF Model Signing (OMS v1.0), as a minimal reference: sign a model, verify it, test who else does.

`hashing`, `signing` and `verifying` are the public modules; they are loaded on first use, so that
importing the package costs nothing.
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"
__all__ = ["hashing", "manifest", "signing", "verifying"]


def __getattr__(name: str) -> ModuleType:
    """Load a public submodule when it is first named (PEP 562)."""
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
