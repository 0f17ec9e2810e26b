//! What was asked: the words and the place they were said in.
