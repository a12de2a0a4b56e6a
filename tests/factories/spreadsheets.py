"""Spreadsheets of permits for tests, in every form in which offices send them."""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter
import xlwt
from stdnum.cn.uscc import calc_check_digit

HEADINGS = (
    "行政相对人名称",
    "行政相对人类别",
    "统一社会信用代码",
    "许可编号",
    "许可证类型",
    "有效期自",
    "有效期至",
    "许可机关",
    "联系人",
    "联系电话",
    "行业",
    "所属街道",
)
ORGAN = "虚构市市场监督管理局"


def make_code(number: int = 1, prefix: str = "92") -> str:
    """Return an invented credit code (区划 000000) with a valid check character."""
    body = f"{prefix}000000MA{number:07d}"
    return body + str(calc_check_digit(body))


def make_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a good row by heading; `changes` replace or add cells."""
    row: dict[str, Any] = {
        "行政相对人名称": f"虚构食品店{number}",
        "行政相对人类别": "个体工商户",
        "统一社会信用代码": make_code(number),
        "许可编号": f"JY{number:06d}",
        "许可证类型": "公共场所卫生许可证",
        "有效期自": "2023-01-05",
        "有效期至": "2026-12-31",
        "许可机关": ORGAN,
        "联系人": "张测试",
        "联系电话": f"1380013{number:04d}",
        "行业": "住宿",
        "所属街道": "大定街道",
    }
    return row | changes


def as_table(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return headings and rows as lists; headings are those of the first row."""
    headings = list(rows[0])
    return [headings, *[[row.get(heading, "") for heading in headings] for row in rows]]


def write_xlsx(path: Path, table: Sequence[Sequence[Any]]) -> Path:
    """Write a table as .xlsx; days become real date cells."""
    book = xlsxwriter.Workbook(str(path))
    sheet, days = book.add_worksheet(), book.add_format({"num_format": "yyyy/m/d"})
    for number, row in enumerate(table):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(number, column, cell, days)
            else:
                sheet.write(number, column, cell)
    book.close()
    return path


def write_xls(path: Path, table: Sequence[Sequence[Any]]) -> Path:
    """Write a table as .xls."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet, days = book.add_sheet("许可"), xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for number, row in enumerate(table):
        for column, cell in enumerate(row):
            sheet.write(number, column, cell, days) if isinstance(cell, date) else sheet.write(number, column, cell)
    book.save(str(path))
    return path


def write_csv(path: Path, table: Sequence[Sequence[Any]], *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """Write a table as text."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(table)
    return path
