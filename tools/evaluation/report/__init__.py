"""HTML report: tables of measured and published figures, curves, confusion matrices and samples."""

from tools.evaluation.report.inputs import (
    RankCurve,
    Report,
    ReportTable,
    ScoreSet,
    Section,
    WindowPredictions,
)
from tools.evaluation.report.write import write_report

__all__ = [
    "RankCurve",
    "Report",
    "ReportTable",
    "ScoreSet",
    "Section",
    "WindowPredictions",
    "write_report",
]
