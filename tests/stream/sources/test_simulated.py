"""Simulated people: plausible bodies and gait, the Kinect's noise and faults, and the source `walkers`."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream.body import BodyFrame
from stream.errors import EndOfSource, SourceError
from stream.simulation import SimulatedKinect, SimulatedPeople
from stream.simulation.anthropometry import draw_body_sizes
from stream.simulation.curves import CURVES, fourier_basis
from stream.simulation.forward_kinematics import foot_contacts
from stream.simulation.random_parameters import RandomStream, generator
from stream.simulation.sensor_noise import (
    DEPTH_NOISE,
    DROP_RATE,
    DROP_SECONDS,
    INFER_RATE,
    INFER_SECONDS,
    JOINT_NOISE,
    NOISE_SECONDS,
    SIDEWAYS_NOISE,
)
from stream.sources.simulated import (
    OPTIONS,
    SimulatedConfig,
    open_simulated,
    parse_simulated,
    simulated_frames,
)
from stream.windows.cutting import cut_windows

Array = NDArray[np.float64]

HIP_CENTER, SHOULDER_CENTER, HEAD = 0, 2, 3
LEFT = {"shoulder": 4, "elbow": 5, "wrist": 6, "hand": 7, "hip": 12, "knee": 13, "ankle": 14, "foot": 15}
RIGHT = {"shoulder": 8, "elbow": 9, "wrist": 10, "hand": 11, "hip": 16, "knee": 17, "ankle": 18, "foot": 19}
BONES = [(i, (-1, 0, 1, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18)[i]) for i in range(1, 20)]
FPS = 30
FLOOR = -0.9


@pytest.fixture(scope="module")
def simulated() -> SimulatedPeople:
    return SimulatedPeople.draw(1, 1, range(1, 41))


@pytest.fixture(scope="module")
def joints(simulated: SimulatedPeople) -> Array:
    """(900, 40, 20, 3): half a minute without sensor noise."""
    return simulated.joints(np.arange(30 * FPS) / FPS)


def bones(joints: Array) -> Array:
    return np.stack(
        [np.linalg.norm(joints[..., a, :] - joints[..., b, :], axis=-1) for a, b in BONES], axis=-1
    )


def heading(joints: Array) -> Array:
    """Returns the direction of motion of the hip centres over a third of a second; (times, people, 3)."""
    position = joints[:, :, HIP_CENTER].copy()
    position[..., 1] = 0.0
    moved = np.empty_like(position)
    moved[5:-5] = position[10:] - position[:-10]
    moved[:5], moved[-5:] = moved[5], moved[-6]
    return np.asarray(moved / np.linalg.norm(moved, axis=-1, keepdims=True))


def ahead(joints: Array, joint: int) -> Array:
    """Returns the distance of a joint in front of the hip centre, in walking direction; (times, people)."""
    relative = joints[:, :, joint] - joints[:, :, HIP_CENTER]
    return np.asarray((relative * heading(joints)).sum(axis=-1))


def correlations(a: Array, b: Array) -> list[float]:
    return [float(np.corrcoef(a[:, p], b[:, p])[0, 1]) for p in range(a.shape[1])]


def frames_of(**options: str) -> list[BodyFrame]:
    return list(simulated_frames(parse_simulated(options)))


def exact(frames: list[BodyFrame]) -> list[object]:
    return [
        (f.time_ns, [(b.id, b.joints.tobytes(), b.confidence.tobytes()) for b in f.bodies]) for f in frames
    ]


class TestBodies:
    def test_stature_agrees_with_the_survey(self) -> None:
        """ANSUR II: 1.756 (0.069) m and 1.629 (0.064) m, here in equal shares."""
        people = [generator(7, RandomStream.PERSON, person) for person in range(600)]
        stature = draw_body_sizes(people).stature
        assert 1.675 < stature.mean() < 1.71
        assert 0.075 < stature.std() < 0.105
        assert 1.48 < stature.min() < 1.58 and 1.80 < stature.max() < 1.90

    @pytest.mark.parametrize(
        ("joint", "parent", "mean", "sd"),
        [
            ("knee", "hip", 0.2476, 0.0113),
            ("ankle", "knee", 0.2267, 0.0088),
            ("elbow", "shoulder", 0.1909, 0.0062),
            ("wrist", "elbow", 0.1511, 0.0067),
        ],
    )
    def test_segments_are_the_published_shares_of_stature(
        self, simulated: SimulatedPeople, joints: Array, joint: str, parent: str, mean: float, sd: float
    ) -> None:
        for side in (LEFT, RIGHT):
            length = np.linalg.norm(joints[0, :, side[joint]] - joints[0, :, side[parent]], axis=-1)
            share = length / simulated.bodies.stature
            assert abs(share.mean() - mean) < 4 * sd / np.sqrt(len(share))
            assert 0.6 * sd < share.std() < 1.3 * sd
            assert (np.abs(share - mean) <= 2.001 * sd).all()

    def test_head_height_agrees_with_stature(self, simulated: SimulatedPeople, joints: Array) -> None:
        head = (joints[:, :, HEAD, 1] - FLOOR).max(axis=0) / simulated.bodies.stature
        assert ((head > 0.90) & (head < 0.98)).all()

    def test_bones_keep_their_length(self, joints: Array) -> None:
        assert np.ptp(bones(joints), axis=0).max() < 1e-9

    def test_bones_differ_between_people(self, joints: Array) -> None:
        sizes = bones(joints[0])
        apart = np.abs(sizes[:, None] - sizes).max(axis=-1) + np.eye(len(sizes))
        assert apart.min() > 0.004


class TestGait:
    @pytest.mark.parametrize(
        ("name", "phase", "degrees"),
        [
            ("hip", 0.5, -15.0),
            ("hip", 0.9, 25.7),
            ("knee", 0.744, 69.4),
            ("knee", 0.4, 3.0),
            ("ankle", 0.08, -17.5),
            ("ankle", 0.622, -20.9),
            ("shoulder", 0.5, 10.4),
            ("elbow", 0.515, 47.1),
            ("pelvis_yaw", 0.0, 6.0),
            ("pelvis_list", 0.15, 4.98),
            ("thorax_yaw", 0.4, 2.25),
        ],
    )
    def test_curves_pass_the_published_points(self, name: str, phase: float, degrees: float) -> None:
        """Boulic et al. at a relative velocity of 1.5; the Fourier series smooths sharp corners."""
        angle = np.degrees((CURVES[name] * fourier_basis(np.array(phase))).sum().real)
        assert angle == pytest.approx(degrees, abs=max(1.0, 0.13 * abs(degrees)))

    def test_stride_rate_is_plausible(self, simulated: SimulatedPeople, joints: Array) -> None:
        motion = ahead(joints, LEFT["ankle"])
        motion = (motion - motion.mean(axis=0)) * np.hanning(len(motion))[:, None]
        spectrum = np.abs(np.fft.rfft(motion, 8192, axis=0))
        rate = np.fft.rfftfreq(8192, 1 / FPS)[spectrum.argmax(axis=0)]
        assert ((rate > 0.7) & (rate < 1.2)).all()
        # In bends, the step rate is up to a tenth lower than straight ahead.
        np.testing.assert_allclose(rate, 0.95 * simulated.gait.speed / simulated.gait.stride, rtol=0.06)

    def test_stride_and_speed_are_plausible(self, simulated: SimulatedPeople, joints: Array) -> None:
        leg = simulated.bodies.leg
        assert 1.55 < (simulated.gait.stride / leg).mean() < 1.85
        reach = np.ptp(ahead(joints, LEFT["ankle"]), axis=0) / leg
        assert ((reach > 0.65) & (reach < 1.15)).all()
        steps = np.diff(joints[:, :, HIP_CENTER][..., [0, 2]], axis=0)
        speed = np.linalg.norm(steps, axis=-1).mean(axis=0) * FPS
        np.testing.assert_allclose(speed, 0.9 * simulated.gait.speed, rtol=0.08)

    def test_legs_are_in_antiphase_and_arms_against_legs(self, joints: Array) -> None:
        left, right = ahead(joints, LEFT["ankle"]), ahead(joints, RIGHT["ankle"])
        assert max(correlations(left, right)) < -0.8
        assert max(correlations(left, ahead(joints, LEFT["wrist"]))) < -0.7
        assert max(correlations(right, ahead(joints, RIGHT["wrist"]))) < -0.7

    def test_bodies_are_not_mirrored(self, joints: Array) -> None:
        """Left is up x forward; a person walking towards the sensor has the left shoulder at smaller X."""
        forward = heading(joints)
        left = np.stack([forward[..., 2], np.zeros_like(forward[..., 0]), -forward[..., 0]], axis=-1)
        for part in ("shoulder", "hip"):
            across = joints[:, :, LEFT[part]] - joints[:, :, RIGHT[part]]
            assert ((across * left).sum(axis=-1) > 0.1).all()
        towards = forward[..., 2] < -0.9
        assert towards.any(axis=0).all()
        difference = joints[:, :, LEFT["shoulder"], 0] - joints[:, :, RIGHT["shoulder"], 0]
        assert (difference[towards] < -0.2).all()
        assert (difference[forward[..., 2] > 0.9] > 0.2).all()

    def test_people_walk_forwards(self, joints: Array) -> None:
        forward = heading(joints)
        for side in (LEFT, RIGHT):
            toes = joints[:, :, side["foot"]] - joints[:, :, side["ankle"]]
            assert ((toes * forward).sum(axis=-1).mean(axis=0) > 0.04).all()
            middle = 0.5 * (joints[:, :, side["hip"]] + joints[:, :, side["ankle"]])
            knee = ((joints[:, :, side["knee"]] - middle) * forward).sum(axis=-1)
            assert (knee > -0.03).all() and (knee.max(axis=0) > 0.1).all()

    def test_the_lower_foot_is_on_the_floor(self, joints: Array) -> None:
        feet = (
            joints[:, :, [LEFT["ankle"], LEFT["foot"], RIGHT["ankle"], RIGHT["foot"]], 1].min(axis=-1) - FLOOR
        )
        assert feet.min() > 0.005
        assert np.median(feet) < 0.03
        assert np.percentile(feet, 98) < 0.07  # briefly, the weight is on the heel, which is not a joint
        assert feet.max() < 0.11

    def test_stance_foot_hardly_slides(self, joints: Array) -> None:
        foot = joints[:, :, LEFT["foot"]]
        speed = np.linalg.norm(np.gradient(foot[..., [0, 2]], 1 / FPS, axis=0), axis=-1)
        stance = foot[..., 1] - FLOOR < 0.025
        assert 0.3 < stance.mean() < 0.6
        assert np.median(speed[stance]) < 0.4
        assert np.median(speed[~stance]) > 1.5

    def test_people_turn_and_stay_in_view(self, joints: Array) -> None:
        forward = heading(joints)
        quarters = np.floor(np.arctan2(forward[..., 0], forward[..., 2]) / (np.pi / 2))
        assert all(len(np.unique(quarters[:, p])) == 4 for p in range(quarters.shape[1]))
        x, z = joints[..., 0], joints[..., 2]
        assert z.min() > 1.3 and z.max() < 5.0
        assert (np.abs(x) / z).max() < np.tan(np.radians(57 / 2))

    def test_people_lean_into_bends(self, joints: Array) -> None:
        forward = heading(joints)
        left = np.stack([forward[..., 2], np.zeros_like(forward[..., 0]), -forward[..., 0]], axis=-1)
        to_left = (np.roll(forward, -3, axis=0) * left).sum(axis=-1)[10:-10]
        lean = ((joints[:, :, SHOULDER_CENTER] - joints[:, :, HIP_CENTER]) * left).sum(axis=-1)[10:-10]
        assert min(correlations(to_left, lean)) > 0.4
        left_turners = (to_left.mean(axis=0) > 0).mean()
        assert 0.25 < left_turners < 0.75

    def test_foot_motion_agrees_with_the_stride(self, simulated: SimulatedPeople) -> None:
        """Over a cycle, the weight-bearing points move backwards under the pelvis by one stride."""
        n = 200
        cycle = np.repeat(np.arange(n)[:, None] / n, len(simulated.people), axis=1)
        feet = foot_contacts(simulated.bodies, simulated.gait.angles(cycle, np.ones_like(cycle)))
        backwards = 0.5 * (np.roll(feet.forward, 1, axis=1) - np.roll(feet.forward, -1, axis=1))
        lowest = feet.up.argmin(axis=0)[None]
        stride = np.take_along_axis(backwards, lowest, axis=0)[0].sum(axis=0)
        np.testing.assert_allclose(stride, simulated.gait.stride, rtol=0.04)

    def test_joint_speeds_are_limited(self, joints: Array) -> None:
        assert np.abs(np.diff(joints, axis=0)).max() * FPS < 7.0
        assert np.abs(np.diff(joints[:, :, HIP_CENTER], axis=0)).max() * FPS < 2.5


class TestIdentity:
    def test_a_person_does_not_depend_on_the_others(self, simulated: SimulatedPeople, joints: Array) -> None:
        alone = SimulatedPeople.draw(1, 1, [7])
        times = np.arange(60) / FPS
        np.testing.assert_allclose(alone.joints(times)[:, 0], joints[:60, 6], atol=1e-9)

    def test_a_person_keeps_body_and_style_on_another_walk(
        self, simulated: SimulatedPeople, joints: Array
    ) -> None:
        other = SimulatedPeople.draw(1, 2, simulated.people)
        again = other.joints(np.arange(30 * FPS) / FPS)
        np.testing.assert_array_equal(bones(again[0]).round(12), bones(joints[0]).round(12))
        for name, value in simulated.gait.posture.items():
            np.testing.assert_array_equal(other.gait.posture[name], value)
        assert np.abs(other.gait.speed / simulated.gait.speed - 1.0).min() > 0.0
        assert np.abs(other.gait.speed / simulated.gait.speed - 1.0).max() < 0.20
        assert (np.abs(again[0, :, 0] - joints[0, :, 0]).max(axis=-1) > 0.01).all()

    def test_people_differ_in_their_movement(self, joints: Array) -> None:
        def bend(side: dict[str, int], a: str, b: str, c: str) -> Array:
            one, two = (
                joints[:, :, side[a]] - joints[:, :, side[b]],
                joints[:, :, side[c]] - joints[:, :, side[b]],
            )
            cosine = (one * two).sum(axis=-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)
            return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

        knee, elbow = bend(LEFT, "hip", "knee", "ankle"), bend(LEFT, "shoulder", "elbow", "wrist")
        assert np.ptp(knee, axis=0).std() > 2.0
        assert elbow.mean(axis=0).std() > 2.0

    def test_option_only_leaves_out_the_others(self) -> None:
        all_people = frames_of(n="5", seed="4", seconds="2")
        selected = frames_of(n="5", seed="4", seconds="2", only="2+4")
        assert [b.id for b in selected[0].bodies] == [2, 4]
        for complete, part in zip(all_people, selected, strict=True):
            for body in part.bodies:
                same = complete.bodies[body.id - 1]
                np.testing.assert_allclose(body.joints, same.joints, atol=1e-6)
                np.testing.assert_array_equal(body.confidence, same.confidence)

    def test_noise_is_independent_between_people(self) -> None:
        clean = SimulatedPeople.draw(0, 1, [1, 2]).joints(np.arange(60) / FPS)
        frames = frames_of(n="2", seconds="2")
        noise = np.stack([[body.joints for body in frame.bodies] for frame in frames]) - clean
        one, two = (np.nan_to_num(noise[:, person]).ravel() for person in range(2))
        assert one.std() > 0.003 and two.std() > 0.003
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.2

    def test_seed_and_walk_change_the_frames(self) -> None:
        first = frames_of(n="2", seconds="1")
        assert exact(first) == exact(frames_of(n="2", seconds="1"))
        assert exact(first) != exact(frames_of(n="2", seconds="1", seed="1"))
        assert exact(first) != exact(frames_of(n="2", seconds="1", walk="2"))

    def test_frames_do_not_depend_on_the_duration(self) -> None:
        assert exact(frames_of(seconds="1")) == exact(frames_of(seconds="3"))[:30]
        endless = list(islice(simulated_frames(SimulatedConfig()), 30))
        assert exact(endless) == exact(frames_of(seconds="1"))


@pytest.fixture(scope="module")
def observations() -> tuple[Array, Array, Array]:
    """True and observed joints, (frames, people, 20, 3), and confidences; a minute of 20 people."""
    people = range(1, 21)
    simulated = SimulatedPeople.draw(3, 1, people)
    clean = simulated.joints(np.arange(60 * FPS) / FPS)
    kinect = SimulatedKinect([generator(3, RandomStream.SENSOR, person) for person in people], FPS)
    parts = [kinect.observe(clean[first : first + 10]) for first in range(0, len(clean), 10)]
    observed, confidence = (np.concatenate(part) for part in zip(*parts, strict=True))
    return clean, observed.astype(np.float64), confidence.astype(np.float64)


class TestSensor:
    def test_noise_grows_with_the_square_of_the_distance(
        self, observations: tuple[Array, Array, Array]
    ) -> None:
        clean, observed, confidence = observations
        unit = (observed - clean) / (DEPTH_NOISE * clean[..., 2:] ** 2 * JOINT_NOISE[:, None])
        near = clean[:, :, HIP_CENTER, 2] < 3.0
        for place in (near, ~near):
            at = unit[place][confidence[place] == 1.0]
            spread = 1.4826 * np.median(np.abs(at), axis=0)
            np.testing.assert_allclose(spread, [SIDEWAYS_NOISE, SIDEWAYS_NOISE, 1.0], rtol=0.06)

    def test_noise_is_a_few_millimetres_to_a_few_centimetres(
        self, observations: tuple[Array, Array, Array]
    ) -> None:
        clean, observed, _ = observations
        error = np.nanmedian(np.linalg.norm(observed - clean, axis=-1), axis=(0, 1))
        assert 0.003 < error.min() < 0.010
        assert 0.012 < error.max() < 0.03

    def test_noise_is_autocorrelated(self, observations: tuple[Array, Array, Array]) -> None:
        clean, observed, confidence = observations
        noise = np.where(confidence[..., None] == 1.0, observed - clean, 0.0)[:, :, :12]
        noise = np.clip(noise, -0.05, 0.05)
        measured = (noise[1:] * noise[:-1]).sum() / (noise**2).sum()
        assert measured == pytest.approx(np.exp(-1 / FPS / NOISE_SECONDS), abs=0.07)

    @pytest.mark.parametrize(
        ("level", "rate", "seconds"),
        [(0.0, DROP_RATE, DROP_SECONDS), (0.5, INFER_RATE, INFER_SECONDS)],
        ids=["dropped", "inferred"],
    )
    def test_fault_rates_and_durations(
        self, observations: tuple[Array, Array, Array], level: float, rate: Array, seconds: float
    ) -> None:
        fault = observations[2] == level
        starts = (fault[1:] & ~fault[:-1]).sum(axis=(0, 1)) / (60 * fault.shape[1])
        assert starts[rate == 0].sum() == 0
        assert starts.sum() == pytest.approx(rate.sum(), rel=0.12)
        assert starts[[7, 11, 15, 19]].sum() == pytest.approx(rate[[7, 11, 15, 19]].sum(), rel=0.15)
        duration = fault.sum() / FPS / ((fault[1:] & ~fault[:-1]).sum() + fault[0].sum())
        assert duration == pytest.approx(seconds, rel=0.15)

    def test_dropped_joints_are_missing(self, observations: tuple[Array, Array, Array]) -> None:
        _, observed, confidence = observations
        np.testing.assert_array_equal(np.isnan(observed).all(axis=-1), confidence == 0.0)
        np.testing.assert_array_equal(np.isnan(observed).any(axis=-1), confidence == 0.0)
        assert set(np.unique(confidence)) == {0.0, 0.5, 1.0}

    @pytest.mark.parametrize("fps", [15, 30, 60])
    def test_nine_in_ten_windows_are_complete(self, fps: int) -> None:
        seconds = 40
        frames = frames_of(n="6", seed="2", fps=str(fps), seconds=str(seconds))
        times = [frame.time_ns for frame in frames]
        cut = 0
        for person in range(6):
            bodies = [frame.bodies[person] for frame in frames]
            joints, confidence = (
                np.stack([b.joints for b in bodies]),
                np.stack([b.confidence for b in bodies]),
            )
            cut += len(cut_windows(times, joints, confidence))
        assert 0.90 < cut / (6 * (seconds * 30 - 3) / 3) < 0.995


class TestSource:
    @pytest.mark.parametrize("fps", [5, 30, 120])
    def test_times_follow_the_frame_rate(self, fps: int) -> None:
        times = [frame.time_ns for frame in frames_of(fps=str(fps), seconds="2")]
        assert len(times) == 2 * fps
        assert times == [round(i * 1e9 / fps) for i in range(2 * fps)]
        assert all(a < b for a, b in pairwise(times))

    def test_frame_rate_does_not_change_the_walk(self) -> None:
        slow, fast = SimulatedPeople.draw(5, 1, [1]), SimulatedPeople.draw(5, 1, [1])
        np.testing.assert_array_equal(
            slow.joints(np.arange(10) / 10), fast.joints(np.arange(100) / 100)[::10]
        )

    def test_bodies_are_numbered_float32_skeletons(self) -> None:
        for frame in frames_of(n="3", seconds="0.5"):
            assert [body.id for body in frame.bodies] == [1, 2, 3]
            for body in frame.bodies:
                assert body.joints.shape == (20, 3) and body.joints.dtype == np.float32
                assert body.confidence.shape == (20,) and body.confidence.dtype == np.float32

    def test_source_info(self) -> None:
        source = open_simulated(
            {"live": "0", "seconds": "02.50", "n": "03", "only": "3+1+3"}, speed=0, clip=None
        )
        assert source.info.name == "walkers:n=3,only=1+3,seconds=2.5,live=0"
        assert (source.info.sensor, source.info.layout) == ("simulated", "kinect-v1")
        assert not source.info.live and source.info.finite
        endless = open_simulated({}, speed=0, clip=None)
        assert endless.info.name == "walkers"
        assert endless.info.live and not endless.info.finite
        for opened in (source, endless):
            opened.close()

    def test_a_clip_makes_an_endless_walk_finite(self) -> None:
        source = open_simulated({"live": "0"}, speed=0, clip=(1.0, 1.5))
        assert source.info.finite
        times = []
        with pytest.raises(EndOfSource):
            while (frame := source.read(1.0)) is not None:
                times.append(frame.time_ns / 1e9)
        assert len(times) == 15 and times[0] == 1.0 and times[-1] < 1.5
        source.close()

    def test_clip_without_a_stop_needs_a_duration(self) -> None:
        with pytest.raises(SourceError, match=r"walkers:n=2 is endless: give a stop, as in #t=2,12"):
            open_simulated({"n": "2"}, speed=0, clip=(2.0, None))
        open_simulated({"n": "2", "seconds": "5"}, speed=0, clip=(2.0, None)).close()

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            *[("n", value) for value in ("0", "1001", "-1", "four", "2.0", "٣", "9" * 5000, "")],
            *[("seed", value) for value in ("-1", "x", "4294967296")],
            *[("walk", value) for value in ("-1", "1.5")],
            *[("only", value) for value in ("0", "5", "1+", "+", "1,2", "1-3", "x")],
            *[("seconds", value) for value in ("0", "-3", "nan", "inf", "long")],
            *[("fps", value) for value in ("4", "121", "29.97")],
            *[("live", value) for value in ("2", "yes", "")],
        ],
    )
    def test_invalid_value_is_rejected(self, key: str, value: str) -> None:
        with pytest.raises(SourceError) as caught:
            open_simulated({"n": "4"} | {key: value}, speed=0, clip=None)
        message = str(caught.value)
        assert f"walkers option {key} must be {OPTIONS[key]}" in message
        assert repr(value) in message
        assert message.endswith("possible options: n, seed, walk, only, seconds, fps, live")

    def test_unknown_option_is_rejected(self) -> None:
        with pytest.raises(SourceError, match=r"no option 'people'; possible options: n, seed, walk, only"):
            parse_simulated({"people": "4"})

    @given(
        st.fixed_dictionaries(
            {"n": st.integers(4, 1000).map(str)},
            optional={
                "seed": st.integers(0, 2**32 - 1).map(str),
                "walk": st.integers(0, 2**32 - 1).map(str),
                "only": st.lists(st.integers(1, 4).map(str), min_size=1).map("+".join),
                "seconds": st.floats(0.001, 1e6).map(repr),
                "fps": st.integers(5, 120).map(str),
                "live": st.sampled_from(["0", "1"]),
            },
        )
    )
    @settings(max_examples=50)
    def test_name_opens_the_same_walk(self, options: dict[str, str]) -> None:
        config = parse_simulated(options)
        canonical = dict(pair.split("=") for pair in config.name.removeprefix("walkers:").split(","))
        assert canonical.keys() == options.keys()
        again = parse_simulated(canonical)
        assert again.name == config.name
        assert (again.n, again.seed, again.walk, again.only) == (
            config.n,
            config.seed,
            config.walk,
            config.only,
        )
        assert (again.fps, again.live) == (config.fps, config.live)
        assert again.seconds == pytest.approx(config.seconds)
