from models.catalog import OperationType
from reconcilers.contract import Adapter


class AdapterRegistry:
    """The adapters by operation type; each registers itself, and there is no central match."""

    def __init__(self) -> None:
        self._adapters: dict[str, type[Adapter]] = {}

    def register(self, adapter: type[Adapter]) -> type[Adapter]:
        """Take an adapter class in; raise RuntimeError where its type has one already."""
        operation_type = adapter.operation_type
        if operation_type in self._adapters:
            raise RuntimeError(
                f"{operation_type} has the adapter {self._adapters[operation_type].__name__} already; "
                f"remove one of the two before registering {adapter.__name__}."
            )
        self._adapters[operation_type] = adapter
        return adapter

    def find(self, operation_type: str) -> type[Adapter] | None:
        """Return the adapter of a type; None: the type is not supported here."""
        return self._adapters.get(operation_type)

    def types(self) -> frozenset[OperationType]:
        """Return the types that have an adapter."""
        return frozenset(adapter.operation_type for adapter in self._adapters.values())


REGISTRY = AdapterRegistry()
