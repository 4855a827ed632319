"""Finding one's way in plain values."""

from router.policy.tree import matches, names, texts

TREE = {"tiers": {"tuned": {"deployments": ["a", 3]}, "odd": "text", "list": ["x"]}, "version": 1}


def test_a_star_is_any_name_or_index() -> None:
    assert list(matches(TREE, "tiers.*.deployments.*")) == [
        (("tiers", "tuned", "deployments", 0), "a"),
        (("tiers", "tuned", "deployments", 1), 3),
    ]


def test_only_texts() -> None:
    assert list(texts(TREE, "tiers.*.deployments.*")) == [(("tiers", "tuned", "deployments", 0), "a")]


def test_what_is_not_there_or_not_of_that_shape_is_skipped() -> None:
    assert list(matches(TREE, "routes.*.cascade")) == []
    assert list(matches(TREE, "version.*")) == []
    assert list(matches(["x"], "tiers")) == []
    assert list(matches(None, "*")) == []


def test_names_in_order() -> None:
    assert names(TREE, "tiers") == ["tuned", "odd", "list"]
    assert names(TREE, "version") == []
