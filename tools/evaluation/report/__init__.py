"""A page of results: tables beside published ones, curves, confusions and samples, in one file of HTML."""

from tools.evaluation.report.inputs import NamedWindows, RankCurve, Report, ReportTable, ScoreSet, Section
from tools.evaluation.report.write import write_report

__all__ = [
    "NamedWindows",
    "RankCurve",
    "Report",
    "ReportTable",
    "ScoreSet",
    "Section",
    "write_report",
]
