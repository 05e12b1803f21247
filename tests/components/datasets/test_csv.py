"""CSV files: columns by name, cells that are read or refused with their line, and rules for categories and gaps."""

import numpy as np
import pytest

from dlkit.components.datasets.csv import Csv
from dlkit.errors import InputError


@pytest.fixture
def table(tmp_path):
    """Write a table and return its dataset, with the target y."""

    def write(content, name="t.csv", **settings):
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(raw)
        return Csv(**({"file": str(tmp_path / name), "target": "y"} | settings))

    return write


def refusal(dataset):
    with pytest.raises(InputError) as caught:
        dataset.describe()
    problem = caught.value.problems[0]
    assert problem.hint
    return f"{problem.message} | {problem.hint}"


def inputs_of(dataset, split="train"):
    return dataset.load(split, None).inputs.tolist()


@pytest.mark.parametrize(
    "content",
    [
        "a,b,y\n1,2,p\n3,4.5,q\n",
        "\ufeffa,b,y\n1,2,p\n3,4.5,q\n",
        "a,b,y\r\n1,2,p\r\n3,4.5,q\r\n",
        "a,b,y\r1,2,p\r3,4.5,q\r",
        "\na,b,y\n\n1,2,p\n\n\n3,4.5,q",
        'a, b , y\n 1, 2,p \n3 , "4.5", "q"\n',
        '"a","b","y"\n"1","+2.",p\n3e0,.45e1,q\n',
    ],
    ids=["plain", "bom", "crlf", "cr", "empty lines", "spaces", "quotes"],
)
def test_ways_of_writing_the_same_table(table, content):
    dataset = table(content)
    assert inputs_of(dataset) == [[1, 2], [3, 4.5]]
    assert dataset.describe().class_names == ("p", "q")
    assert dataset.describe().table.names == ["a", "b"]


def test_separators_and_decimal_commas(table):
    german = "a;b;y\n1,5;2;p\n3;4;q\n"
    assert inputs_of(table(german, delimiter=";", decimal=",")) == [[1.5, 2], [3, 4]]
    assert inputs_of(table(german.replace(";", "\t").replace(",", "."), delimiter="\t")) == [[1.5, 2], [3, 4]]
    assert "separated by semicolons, not by ',' | set data.source.csv.delimiter to ';'" in refusal(table(german))
    assert 'or set data.source.csv.decimal: ","' in refusal(table(german, delimiter=";"))
    with pytest.raises(InputError, match="the delimiter is ','"):
        table(german, decimal=",")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("x,x,y\n1,2,p\n3,4,q\n", "t.csv:1: columns 1 and 2 are both named 'x'"),
        ("y,b,y\n1,2,p\n3,4,q\n", "t.csv:1: columns 1 and 3 are both named 'y'"),
        ("a,b,y,\n1,2,p,\n3,4,q,\n", "column 4 has no name"),
        (",a,y\n0,1,p\n1,3,q\n", "column 1 has no name; is it the number of the row?"),
        ("a,y\n1,p\n3,\n", "t.csv:3: column 'y' has no value (empty)"),
        ("a,y\n1,p\n3,NaN\n", "t.csv:3: column 'y' has no value (NaN)"),
        ("a,y\n1,1\n3,1.0\n", "t.csv:3: column 'y' has '1.0', and"),
        ("a,y\n1,New York\n3,New  York\n", "has 'New  York', which means the same"),
        ("a,y\n1,caf\u00e9\n3,cafe\u0301\n", "which means the same"),
        ("a,y\n1,p\n3,p\n", "column 'y' has only one class: 'p'"),
        ("y\np\nq\n", "no column besides the target"),
        ("a,b,y\n1,2,p\n3,4\n", "t.csv:3 has 2 cells, more or fewer columns than the header with 3"),
        ("a,b,y\n1,2,p\n3,4,q,5\n", "t.csv:3 has 4 cells"),
        ('a,b,y\n1,2,"p\nx"\n3,zz,q\n', "t.csv:4: column 'b' is not a finite number: 'zz'"),
        ('a,y\n1,"p\n\nx"\n\n4,q\n5,\n', "t.csv:7: column 'y' has no value"),
        ("a,y\n,p\n2,q\nNA,p\n", "t.csv:2: column 'a' has no value (empty), nor has another row"),
        ("name,a,y\nbob,1,p\nann,2,q\n", "column 'name' contains text, such as 'bob' | list the columns to use"),
        ("name,a,y\nbob,1,p\nann,2,q\n", "in data.source.csv.features; or, if each text is a category"),
        ("", "t.csv:1: the table has no header"),
        ("a,y\n", "has no rows"),
        ("sep=,\na,y\n1,p\n", "t.csv:1: 'sep=' is not the header"),
        ("# made by hand\na,y\n1,p\n", "t.csv:1: '# made by hand' is not the header"),
        ('a,y\n1,"p\n2,q\n', "unexpected end of data"),
        ("a,y\n1,p\0\n2,q\n", "t.csv:2 is not a readable table: it contains the character NUL"),
        ("a,y\n1,p\n2,q\n".encode("utf-16"), "it must be UTF-8"),
        ("a,y\n1,caf\u00e9\n2,q\n".encode("cp1252"), "it must be UTF-8"),
        ("b,x\n1,p\n2,q\n", "t.csv has no column 'y' | allowed: b, x"),
    ],
)
def test_tables_that_are_refused(table, content, says):
    assert says in refusal(table(content))


@pytest.mark.parametrize(
    "cell", ["12_34", "inf", "-Infinity", "0x1A", "1 000", '"1,234"', "5%", "True", "\u0661\u0662", "1e999", "1.2.3"]
)
def test_cells_that_are_not_numbers(table, cell):
    plain = cell.strip('"')
    assert f"t.csv:3: column 'a' is not a finite number: {plain!r}" in refusal(table(f"a,y\n1,p\n{cell},q\n"))
    with pytest.raises(InputError, match="is not a finite number"):
        table(f"a,y\n1,2\n1,{cell}\n", kind="values").describe()


def test_whole_numbers_that_float64_cannot_hold_are_refused(table):
    assert inputs_of(table(f"a,y\n{2**53},p\n1,q\n")) == [[2.0**53], [1]]
    assert "float64 cannot hold it exactly" in refusal(table(f"a,y\n1,p\n{2**53 + 1},q\n"))


def test_columns_are_matched_by_name(table):
    train = "a,b,y\n1,2,p\n3,4,q\n"

    def test_of(content, **settings):
        other = table(content, name="test.csv").file
        return table(train, test_file=other, **settings)

    assert inputs_of(test_of("y,b,a\np,20,10\n"), "test") == [[10, 20]]
    assert "missing: 'b'" in refusal(test_of("a,y\n1,p\n"))
    assert "additional: 'id'" in refusal(test_of("id,a,b,y\n1,1,2,p\n"))
    assert "missing: 'a', 'b'; additional: 'length', 'width'" in refusal(test_of("length,width,y\n1,2,p\n"))
    assert "has no column 'y'" in refusal(test_of("a,b\n1,2\n"))
    assert "unknown class 'r'" in refusal(test_of("a,b,y\n1,2,r\n"))
    assert inputs_of(test_of(",b,y\n0,7,p\n", features=["b"]), "test") == [[7]]
    assert test_of("a,b,y\n1,2,p\n").describe().splits == {"train": 2, "test": 1}


def test_features_are_checked(table):
    text = "a,b,y\n1,2,p\n3,4,q\n"
    assert inputs_of(table(text, features=["b", "a"])) == [[2, 1], [4, 3]]
    for settings, says in [
        ({"features": ["a", "y"]}, "the target 'y' is among the features"),
        ({"features": ["a", "a"]}, "'a' is in features twice"),
        ({"sample": "iris"}, "either file or sample"),
    ]:
        with pytest.raises(InputError, match=says):
            table(text, **settings)
    assert "'c' in categories is not a feature" in refusal(table(text, categories=["c"]))
    assert "'men' is no rule for 'a'" in refusal(table(text, missing={"a": "men"}))
    assert "'mean' is no rule for the category 'a'" in refusal(table(text, categories=["a"], missing={"a": "mean"}))


def test_rules_for_categories_and_missing_values(table):
    text = "a,colour,y\n1,red,p\n,green,q\n3,,p\n4,red,q\n"
    dataset = table(text, categories=["colour"], missing={"a": "drop", "colour": "none"})
    assert inputs_of(dataset) == [[b"1", b"red"], [b"3", b""], [b"4", b"red"]]
    assert dataset.describe().table.columns[1].categories == ("none", "red")
    assert dataset.load("train", None).targets.tolist() == [0, 0, 1]
    assert "t.csv:4: column 'colour' has no value" in refusal(
        table(text, categories=["colour"], missing={"a": "median"})
    )
    other = table("a,colour,y\n1,blue,p\n", name="test.csv").file
    rules = {"categories": ["colour"], "missing": {"a": 0, "colour": "none"}, "test_file": other}
    assert "test.csv:2: column 'colour' has the category 'blue'" in refusal(table(text, **rules))
    assert inputs_of(table(text, unknown="zeros", **rules), "test") == [[b"1", b"blue"]]
    unlabelled = table("a,y\n1,p\n2,\n4,q\n", missing={"y": "drop"})
    assert inputs_of(unlabelled) == [[1], [4]]
    assert unlabelled.notes == [f"left out 1 rows of {unlabelled.file}, by the rule drop"]
    assert "the rule drop leaves no rows" in refusal(table("a,y\n,p\n,q\n", missing={"a": "drop"}))


@pytest.mark.parametrize(("sample", "shape"), [("iris", 4), ("wine", 13), ("breast_cancer", 30), ("diabetes", 10)])
def test_samples_are_those_of_scikit_learn(sample, shape):
    from sklearn import datasets

    kind = "values" if sample == "diabetes" else "classes"
    found = Csv(sample=sample, target="kind", kind=kind)
    description, split = found.describe(), found.load("train", None)
    source = getattr(datasets, f"load_{sample}")(**({"scaled": False} if kind == "values" else {}))
    assert description.inputs.shape == (shape,)
    np.testing.assert_array_equal(split.inputs, source.data)
    names = getattr(source, "target_names", None)
    truth = source.target[:, None] if names is None else [sorted(names).index(names[label]) for label in source.target]
    np.testing.assert_array_equal(split.targets, truth)


def test_columns_that_count_the_rows_are_noted(table):
    text = "id,a,y\n1,5,p\n2,6,q\n3,8,q\n"
    assert [note.split(";")[0] for note in table(text).notes] == ["column 'id' counts the rows"]
    assert table(text.replace("3,8", "4,8")).notes == []
