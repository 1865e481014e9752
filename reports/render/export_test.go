package render

// LimitSheet makes a workbook go on in a further sheet after so many rows, the
// header among them.
func (x *XLSX) LimitSheet(rows int) { x.most = rows }
