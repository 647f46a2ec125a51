# Where the program begins, and where a thread does.
#
# The C library's own start leaves its initialisation to the linker, which then puts it in front of every exported function: each
# thread would run it again. A thread needs a stack and its thread-local variables before any C code can run.
	.functype	__wasm_call_ctors () -> ()
	.functype	__main_void () -> (i32)
	.functype	exit (i32) -> ()
	.globl	_start
	.export_name	_start, _start
_start:
	.functype	_start () -> ()
	call	__wasm_call_ctors
	call	__main_void
	call	exit
	unreachable
	end_function

	.globaltype	__stack_pointer, i32
	.functype	__wasm_init_tls (i32) -> ()
	.functype	thread_main (i32) -> ()
	.functype	wasix_thread_exit (i32) -> ()
	.import_module	wasix_thread_exit, wasix_32v1
	.import_name	wasix_thread_exit, thread_exit
	.globl	wasi_thread_start
	.export_name	wasi_thread_start, wasi_thread_start
wasi_thread_start:
	.functype	wasi_thread_start (i32, i32) -> ()
	local.get	1
	i32.load	0
	global.set	__stack_pointer
	local.get	1
	i32.load	4
	call	__wasm_init_tls
	local.get	1
	i32.load	12
	call	thread_main
	i32.const	0
	call	wasix_thread_exit
	end_function
