"""Named tuples of arrays that compiled code gets as one pointer instead of some hundred values.

Numba takes a tuple apart: an instance of fifty arrays is about four hundred arguments of every
function, each handed on, parsed and optimised again at every call. Here Python's call stores the
tuple in memory once and passes its address; a function loads what it uses. The loads are marked as
reading what never changes, which holds: the arrays' contents change, where they lie does not.
"""

from __future__ import annotations

import hashlib
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.datamodel import PrimitiveModel, register_default
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    typeof_impl,
    unbox,
)


class ByPointer(types.Type):  # type: ignore[misc]
    """The address of a named tuple; its name is short, since every symbol spells it out."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        digest = hashlib.sha256(str(inner).encode()).hexdigest()[:12]
        super().__init__(name=f"{inner.instance_class.__name__}_{digest}")


@register_default(ByPointer)
class _ByPointerModel(PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, manager[kind.inner].get_value_type().as_pointer())


def by_pointer[T: type](tuple_class: T) -> T:
    """Class decorator for a named tuple: compiled code gets the address of its instances."""

    @typeof_impl.register(tuple_class)  # type: ignore[untyped-decorator]
    def _typeof(value: Any, context: Any) -> Any:
        return ByPointer(types.NamedTuple([typeof_impl(x, context) for x in value], tuple_class))

    return tuple_class


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = ByPointer

    def generic_resolve(self, kind: Any, name: str) -> Any:
        if name not in kind.inner.fields:
            return None
        return kind.inner.types[kind.inner.fields.index(name)]


@lower_getattr_generic(ByPointer)  # type: ignore[untyped-decorator]
def _read(context: Any, builder: Any, kind: Any, pointer: Any, name: str) -> Any:
    index = kind.inner.fields.index(name)
    field = kind.inner.types[index]
    place = cgutils.gep_inbounds(builder, pointer, 0, index)
    if not (isinstance(field, types.Array) and field.layout == "C"):
        return _load(builder, place)
    array = context.make_array(field)(context, builder)
    model = context.data_model_manager[field]
    part = cgutils.gep_inbounds(builder, place, 0, model.get_field_position("data"))
    array.data = _load(builder, part)
    shapes = cgutils.gep_inbounds(builder, place, 0, model.get_field_position("shape"))
    shape = [_load(builder, cgutils.gep_inbounds(builder, shapes, 0, k)) for k in range(field.ndim)]
    size = context.get_constant(types.intp, context.get_abi_sizeof(array.data.type.pointee))
    strides, step = [size], size
    for length in shape[:0:-1]:
        step = builder.mul(step, length, flags=["nsw"])
        strides.insert(0, step)
    items = shape[0]
    for length in shape[1:]:
        items = builder.mul(items, length, flags=["nsw"])
    array.itemsize, array.nitems = size, items
    array.shape = cgutils.pack_array(builder, shape)
    array.strides = cgutils.pack_array(builder, strides)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()


def _load(builder: Any, place: Any) -> Any:
    value = builder.load(place)
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


@unbox(ByPointer)  # type: ignore[untyped-decorator]
def _unbox(kind: Any, value: Any, c: Any) -> Any:
    native = c.unbox(kind.inner, value)
    place = cgutils.alloca_once(c.builder, native.value.type)
    c.builder.store(native.value, place)
    return NativeValue(place, is_error=native.is_error, cleanup=native.cleanup)
