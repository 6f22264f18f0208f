"""The metrics of a run, as Prometheus reads them."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import cast

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from stream.bus.messages import Verdict
from stream.bus.window_times import STAGES, WindowTimes
from stream.errors import UserError
from stream.outputs.metrics import CONTENT_TYPE, MetricsOutput
from stream.outputs.metrics_output import MetricsServer
from stream.outputs.output import OutputContext
from stream.outputs.output_registry import create_outputs
from stream.outputs.webhook_output import WebhookOutput
from stream.system.settings import Settings
from stream.visits.events import Left, Outcome
from tests.stream.outputs.simulated_run import make_verdict, simulated_live

ROOT = Path(__file__).resolve().parents[3]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def left(outcome: Outcome, *, interrupted: bool = False) -> Left:
    return Left(
        id="l-1",
        visit="v-1",
        source="webcam 0",
        time="2026-01-12T09:30:12.417+00:00",
        t=12.5,
        tracks=(1,),
        arrived="2026-01-12T09:30:10.000+00:00",
        outcome=outcome,
        person="Ada" if outcome == "person" else None,
        left="2026-01-12T09:30:12.000+00:00",
        duration_s=2.0,
        walking_s=1.5,
        quality=0.5,
        reason="",
        reason_code="accepted",
        confidence=None,
        interrupted=interrupted,
    )


def test_results_are_counted_and_latencies_fall_into_buckets() -> None:
    metrics = MetricsOutput(simulated_live())
    fast, none = make_verdict(1, person="Ada"), make_verdict(2)
    slow = Verdict(1, 9.5, 0.9, msgspec.structs.replace(fast.decision, latency_ms=800.0))
    final = Verdict(1, 9.5, 0.9, msgspec.structs.replace(none.decision, latency_ms=None))
    for verdict in (fast, none, slow, final):
        metrics.write(verdict)
    metrics.write_event(left("person"))
    metrics.write_event(left("unknown"))
    metrics.write_event(left("person", interrupted=True))
    found = samples(metrics.text())
    assert value(found, "sge_decisions_total", state="person") == 2
    assert value(found, "sge_decisions_total", state="unknown") == 2
    stage = {"stage": "frame-to-decision"}
    assert value(found, "sge_latency_seconds_count", **stage) == 3
    assert value(found, "sge_latency_seconds_bucket", le="0.025", **stage) == 2
    assert value(found, "sge_latency_seconds_bucket", le="0.75", **stage) == 2
    assert value(found, "sge_latency_seconds_bucket", le="1.0", **stage) == 3
    assert value(found, "sge_latency_seconds_sum", **stage) == pytest.approx(0.84)
    assert value(found, "sge_latency_seconds_count", stage="decision-to-output") == 4
    for outcome, count in (("person", 1), ("unknown", 1), ("interrupted", 1)):
        assert value(found, "sge_visits_total", source="webcam 0", outcome=outcome) == count
    assert "Ada" not in metrics.text().decode(), "metrics name nobody"


def test_the_stages_of_a_decision_are_latencies() -> None:
    metrics = MetricsOutput(simulated_live())
    times = WindowTimes(0, 2_000_000, 3_000_000, 7_000_000, 27_000_000, 30_000_000, 31_000_000)
    metrics.write(msgspec.structs.replace(make_verdict(1), times=times))
    metrics.write(make_verdict(2))
    found = samples(metrics.text())
    sums = {stage: value(found, "sge_latency_seconds_sum", stage=stage) for stage in STAGES}
    expected = {
        "capture": 0.002,
        "wait": 0.001,
        "queue": 0.004,
        "encode": 0.02,
        "match": 0.003,
        "publish": 0.001,
    }
    assert sums == pytest.approx(expected)
    counts = {value(found, "sge_latency_seconds_count", stage=stage) for stage in STAGES}
    assert counts == {1}, "a decision without a window has no stages"


def test_the_heartbeats_of_the_processes_are_metrics() -> None:
    found = samples(MetricsOutput(simulated_live(gallery="gone")).text())
    assert value(found, "sge_source_up", source="webcam 0") == 0, "its process does not run"
    assert value(found, "sge_dropped_total", process="matcher", source="", cause="window-lost") == 2
    assert value(found, "sge_dropped_total", process="matcher", source="", cause="decision-not-read") == 2
    assert value(found, "sge_dropped_total", process="matcher", source="", cause="window-late") == 1
    assert value(found, "sge_process_restarts_total", process="capture 1") == 0
    assert value(found, "sge_process_cpu_seconds_total", process="capture 1") == 1.5
    assert value(found, "sge_queue_depth", process="matcher") == 0
    assert value(found, "sge_gallery_readable") == 0
    assert value(found, "sge_calibration", source="webcam 0") == 0


def test_queues_of_outputs_are_metrics() -> None:
    url = "http://127.0.0.1:9/hook"
    context = OutputContext(
        Settings(json=True, output=(url, "metrics:0")), simulated_live(), Console(quiet=True)
    )
    webhook, output = create_outputs(context)[-2:]
    assert isinstance(webhook, WebhookOutput)
    for _ in range(3):
        webhook.delivery.put(left("unknown"))
    with cast("MetricsServer", output) as serving:
        found = samples(
            httpx.get(f"http://127.0.0.1:{serving.port}/metrics", trust_env=False, timeout=60).content
        )
    name = webhook.delivery.name
    assert value(found, "sge_output_waiting", output=name) == 3
    assert value(found, "sge_output_delivered_total", output=name) == 0
    assert value(found, "sge_output_dropped_total", output=name) == 0
    assert value(found, "sge_output_up", output=name) == 1


def test_the_documentation_lists_all_metrics() -> None:
    metrics = MetricsOutput(simulated_live())
    families = text_string_to_metric_families(metrics.text().decode())
    shown = {family.name for family in families if not family.name.endswith("_created")}
    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(sge_\w+)", page, re.MULTILINE)
    assert {name.removesuffix("_total") for name in listed} == shown


def open_metrics(address: str) -> MetricsServer:
    context = OutputContext(Settings(json=True, output=(address,)), simulated_live(), Console(quiet=True))
    return cast("MetricsServer", create_outputs(context)[-1])


def test_the_output_serves_them_at_a_port_of_loopback() -> None:
    with open_metrics("metrics:0") as output:
        output.write(make_verdict(1, person="Ada"))
        url = f"http://127.0.0.1:{output.port}"
        answer = httpx.get(f"{url}/metrics", trust_env=False)
        assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
        assert value(samples(answer.content), "sge_decisions_total", state="person") == 1
        assert httpx.get(f"{url}/other", trust_env=False).status_code == 404
        assert httpx.post(f"{url}/metrics", trust_env=False).status_code == 404
        evil = httpx.get(f"{url}/metrics", headers={"Host": "evil.example"}, trust_env=False)
        assert evil.status_code == 421
        assert "sge_" not in evil.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_the_output_asks_no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        pytest.fail(f"looked up {arguments}")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    with open_metrics("metrics:0"):
        pass


@pytest.mark.parametrize(
    "address",
    ["metrics:", "metrics:x", "metrics:70000", "metrics:000000070000", "metrics:-1", "metrics:9464:1"],
)
def test_a_wrong_port_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="expected metrics: and a port"):
        open_metrics(address)


def test_a_port_that_is_in_use_is_refused(tmp_path: Path) -> None:
    with open_metrics("metrics:0") as output, pytest.raises(UserError, match="choose another port"):
        open_metrics(f"metrics:{output.port}").__enter__()
