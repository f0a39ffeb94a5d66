//! What the seed documents ask for, row by row: each story's name begins with its row.

mod methods;
