module kae

go 1.26
