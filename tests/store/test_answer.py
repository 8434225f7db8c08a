"""Are the values of any answer told as JSON has them."""

import pyarrow as pa

from tidemill.store.answer import readable


def test_times_of_every_unit_are_told_wherever_they_are():
    told = "2023-11-14T22:13:20.000000000Z"
    for unit, value in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        times = pa.array([1_700_000_000 * value, None], pa.timestamp(unit))
        assert readable(pa.table({"at": times})) == [{"at": told}, {"at": None}]
    one = pa.array([1_700_000_000_000_000_123], pa.timestamp("ns"))
    lists = pa.ListArray.from_arrays([0, 1], one)
    structs = pa.StructArray.from_arrays([one], ["a"])
    maps = pa.MapArray.from_arrays([0, 1], pa.array(["k"]), one)
    exact = "2023-11-14T22:13:20.000000123Z"
    found = readable(pa.table({"list": lists, "struct": structs, "map": maps}))
    assert found == [{"list": [exact], "struct": {"a": exact}, "map": [["k", exact]]}]
