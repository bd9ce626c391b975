"""The planner's workbook: an instance as an Excel file out and in, and a plan as Excel, CSV or JSON.

Data flow: tables (what the sheets hold) · unfold (instance to rows) · write · file_check · read · links · fold (rows to
instance) · plan. Grades are in percent here and nowhere else.
"""

from optimization.workbook.fold import read_instance
from optimization.workbook.write import template_bytes, workbook_bytes

__all__ = ["read_instance", "template_bytes", "workbook_bytes"]
