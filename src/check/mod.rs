//! What is known about a plan, and what follows from it: evidence in, report and verdict out.
