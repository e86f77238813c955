"""The page: well formed, self-contained, escaped, the same bytes again, and whole with pieces missing."""

import copy
import json
from html.parser import HTMLParser

import pytest

from ratecheck.core import shelf
from ratecheck.errors import RunError
from ratecheck.report import html, plots
from tests.report import made

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Reader(HTMLParser):
    """Checks that tags are balanced and collects tags, attributes and text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.tags, self.attributes, self.words = [], [], [], [], []
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def values(self, *names):
        return [value for _, name, value in self.attributes if name in names]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run's folder on disk, of an exact result and a planted lie, with its page written."""
    root = tmp_path_factory.mktemp("runs") / "20260102-0304 x"
    (root / "witnesses").mkdir(parents=True)
    (root / "manifest.json").write_text(json.dumps(made.MANIFEST))
    (root / "results.json").write_text(json.dumps({**made.document(), "results": [made.exact(), made.refuted()]}))
    (root / "witnesses/other.json").write_text(json.dumps({**made.refuted()["witness"], "seed": 2}))
    (root / "witnesses/right.json").write_text(json.dumps(made.refuted()["witness"]))
    html.write(root)
    return root


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report/index.html").read_text()


def bare(document=None, manifest=None, run="RUN"):
    """A page without figures and theorems."""
    document = made.document() if document is None else document
    extras = [{} for _ in document.get("results", ())]
    return html.page(document, made.MANIFEST if manifest is None else manifest, {}, run=run, extras=extras)


def test_the_page_is_balanced_and_loads_nothing(page):
    read = Reader(page)
    assert read.faults == []
    assert not {"script", "link", "iframe", "object", "img", "image"} & set(read.tags)
    for value in read.values("src", "href", "xlink:href", "action", "data"):
        assert value.startswith(("#", "plots/")), value
    assert "http" not in page
    assert "@import" not in page
    assert all(rest.startswith("#") for rest in page.split("url(")[1:])


def test_figures_are_inline_with_ids_of_their_own(page):
    read = Reader(page)
    ids = read.values("id")
    assert read.tags.count("svg") == 4
    assert len(ids) == len(set(ids))
    aims = [v[1:] for v in read.values("href") if v.startswith("#")]
    aims += [rest.split(")")[0][1:] for rest in page.split("url(")[1:]]
    assert len(aims) > 100
    assert set(aims) <= set(ids)


def test_links_lead_to_files_that_are_there(folder, page):
    links = [v for v in Reader(page).values("href") if v.startswith("plots/")]
    assert len(links) == 16
    assert all((folder / "report" / link).is_file() for link in links)


def test_the_page_says_everything():
    said = Reader(bare(run="20260102-0304 x")).text
    assert "ratecheck check mishchenko2022.theorem3_convex --out 'a b'" in said
    for word in ("EXACT", "HOLDS HERE", "REFUTED", "MATCHES", "VACUOUS", "NOT APPLICABLE"):
        assert word in said
    assert "Declared false" in said
    assert "surprise" not in said
    assert "residual exactly 0 in all 1,809 arrival orders, standing for 22,945" in said
    assert "K = 2 < M = 4, and the theorem assumes K >= M" in said
    assert "All 93 cells" in said
    digest = made.measured()["details"]["cells"][0]["digest"]
    assert f"ratecheck replay '20260102-0304 x' --cell {digest}" in said
    assert "here & now" in said


def test_the_witness_is_the_right_file(folder, page):
    assert f"ratecheck replay '{folder / 'witnesses/right.json'}'" in Reader(page).text


def test_the_theorem_is_typeset(page):
    claim = shelf.CLAIMS.get(made.CLAIM)
    read = Reader(page)
    assert claim.title in read.text
    assert read.tags.count("math") > 20
    assert read.tags.count("mfrac") > 8
    assert "They lie ABOVE the bound" in read.text
    assert "The file of this claim is not at hand" in read.text  # of the lie, whose file is nowhere


def test_foreign_text_is_escaped():
    read = Reader(bare())
    assert "script" not in read.tags
    assert "M=4 K=2 <script>" in read.text
    assert "trace(recorded <b>run</b>)" in read.text
    hostile = made.exact()
    for name in ("claim", "scenario", "summary"):
        hostile[name] = f"{name}</table><img src=x onerror=1>"
    hostile["details"]["identities"][0]["name"] = "<svg onload=1>"
    found = Reader(bare({"results": [hostile]}, {"argv": ["<img>"], "<img>": {"<img>": "<img>"}}))
    assert found.faults == []
    assert not {"img", "svg"} & set(found.tags)


def test_the_same_run_gives_the_same_bytes(folder, page):
    document, manifest = (json.loads((folder / f"{name}.json").read_text()) for name in ("results", "manifest"))
    files = folder / "report/plots/2-lies.without_m"
    drawn = {kind: (files / f"{kind}.svg").read_text() for kind in plots.KINDS}
    extras = [
        {},
        {"figures": drawn, "links": {k: f"plots/{files.name}/{k}" for k in drawn},
         "witness": str(folder / "witnesses/right.json")},
    ]  # fmt: skip
    again = html.page(document, manifest, html.claims_of(document, manifest), run=folder.name, extras=extras)
    assert again == page


def test_a_page_alone_draws_its_own_figures_and_links_nothing():
    result = made.refuted()
    del result["details"]["delay_tables"]
    read = Reader(html.page({"results": [result]}, {}, {}))
    assert read.tags.count("svg") == 3
    assert [v for v in read.values("href") if v.startswith("plots/")] == []


def test_a_surprise_is_marked():
    document = made.document()
    document["results"][2]["expected"] = "holds"
    document["exit_code"] = 1
    said = Reader(bare(document)).text
    assert "There is a surprise" in said
    assert "Declared false" not in said


@pytest.mark.parametrize("key", ["seed", "exit_code", "results", "version"])
def test_a_document_without_a_key_still_makes_a_page(key):
    document = made.document()
    del document[key]
    assert Reader(bare(document)).faults == []


@pytest.mark.parametrize("key", ["details", "expected"])
def test_a_result_without_a_key_still_makes_a_page(key):
    document = copy.deepcopy(made.document())
    for result in document["results"]:
        result.pop(key)
    read = Reader(bare(document, {}))
    assert read.faults == []
    assert "REFUTED" in read.text
    assert "The run has no manifest." in read.text


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps(made.MANIFEST))
    (tmp_path / "results.json").write_text('{"version": 1, "resu')
    said = Reader(html.write(tmp_path).read_text()).text
    assert f"no results yet; what is stored is not lost: ratecheck resume {tmp_path.name}" in said


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="it has no readable manifest"):
        html.write(tmp_path)


def test_claims_of_users_are_found_by_the_path_that_was_asked_for(tmp_path):
    lie = tmp_path / "lie.py"
    lie.write_text("from ratecheck.core.shelf import CLAIMS\nCLAIM = CLAIMS.get('mishchenko2022.lemma1')\n")
    document = {"results": [{"claim": "lie.py"}, {"claim": "gone.py"}, {"claim": made.CLAIM}]}
    manifest = {"request": {"claims": [str(lie), str(tmp_path / "gone.py")]}}
    assert set(html.claims_of(document, manifest)) == {"lie.py", made.CLAIM}


@pytest.mark.parametrize(
    ("word", "kind"),
    [("EXACT", "good"), ("HOLDS HERE", "good"), ("NOT REFUTED", "open"), ("VACUOUS", "open"),
     ("NOT APPLICABLE", "open"), ("REFUTED", "bad"), ("DIVERGED", "bad"), ("MATCHES", "good"),
     ("SLOWER", "bad"), ("NOT SLOWER", "open"), ("something new", "open")],
)  # fmt: skip
def test_marks(word, kind):
    assert html.mark(word) == kind
