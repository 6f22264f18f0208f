"""What the thresholds of this site rest on."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from fastapi import APIRouter, Request, Response

from gallery.calibration.gallery_calibration import Calibrations, calibrate_gallery
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery
from gallery.store.store_protocol import MissingGalleryError
from stream.system.live import Live
from stream.web.access_control import API
from stream.web.answers import answers, json_answer
from stream.web.problems import responses
from stream.web.records import SensorCalibration
from stream.web.service import ServiceParameter

__all__ = ["LatestCalibration", "router"]

router = APIRouter(prefix=API, tags=["system"])


class LatestCalibration:
    """The calibrations of the gallery as it was last; made anew when it has changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of: tuple[object, ...] = ()
        self._found: tuple[SensorCalibration, ...] = ()

    def of(self, gallery: Gallery, live: Live) -> tuple[SensorCalibration, ...]:
        """Returns the calibrations of a gallery for the sensors of a run."""
        sensors = tuple(sorted({info.sensor for info in live.infos}))
        with self._lock:
            now = (gallery.url, gallery.revision(), live.encoder.contract, sensors, live.fpir)
            if now != self._of:
                backend = load_backend(live.encoder.contract, map(Path, live.weights))
                index = TemplateIndex.load(gallery, live.encoder.contract, backend, sensors)
                known = calibrate_gallery(gallery, index)
                self._found = tuple(_describe(index, known, sensor, live.fpir) for sensor in sensors)
                self._of = now
            return self._found


@router.get(
    "/calibration", responses={**answers(list[SensorCalibration], "the kinds of sensors"), **responses(503)}
)
def get_calibration(service: ServiceParameter, request: Request) -> Response:
    """Says for each kind of sensor of the running system what its thresholds rest on."""
    live = service.running()
    latest: LatestCalibration = request.app.state.calibration
    try:
        with service.gallery() as gallery:
            return json_answer(latest.of(gallery, live))
    except MissingGalleryError:
        sensors = sorted({info.sensor for info in live.infos})
        return json_answer([_uncalibrated(each, 0, live.fpir) for each in sensors])


def _describe(
    index: TemplateIndex, calibrations: Calibrations, sensor: str, fpir: float | None
) -> SensorCalibration:
    people, known = len(index.people_of(sensor)), calibrations.get(sensor)
    if known is None:
        return _uncalibrated(sensor, people, fpir)
    low, high = (None, None) if fpir is None else known.interval(fpir)
    return SensorCalibration(
        sensor, people, True, known.provisional, known.basis, known.strangers, fpir, low, high
    )


def _uncalibrated(sensor: str, people: int, fpir: float | None) -> SensorCalibration:
    return SensorCalibration(sensor, people, False, False, "", 0, fpir, None, None)
