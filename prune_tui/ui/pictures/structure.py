from typing import Any
def lines(*a: Any, **k: Any) -> Any:
    return []
