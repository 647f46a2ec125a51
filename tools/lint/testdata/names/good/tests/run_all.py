path = "~/work/notes"
