module fiso/guests

go 1.21
