"""The numbers behind each picture of the page, one picture a file. The page only draws them."""
