//! The knowledge base: passages that ground plans and answers, indexed by tantivy.
